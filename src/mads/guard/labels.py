"""Taint sticks to calls: what a handler was told by something untrusted labels all that it does from then on.

A label says what is so and which MAD brought it in: `untrusted:marco`. It is kept for the call that is being handled,
in the core, whichever process handles it, so that no child can drop it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping

from msgspec.structs import replace

from mads.wire.call import Call, Identity, Reply
from mads.wire.served import Served

UNTRUSTED = "untrusted"
"""The label of what comes from outside: a page of the web, the answer of a server, another's MCP server."""

MOST = 65_536
"""How many calls that were labelled while they were handled are remembered: what one of them began goes on after it."""


def union(*labels: Iterable[str]) -> tuple[str, ...]:
    """Return all labels, each once, in a fixed order."""
    return tuple(sorted({label for each in labels for label in each}))


def named(labels: Iterable[str]) -> list[str]:
    """Return `labels` as conditions ask for them: with who brought them in, and without."""
    return list(union(labels, (label.partition(":")[0] for label in labels)))


def untrusted(labels: Iterable[str]) -> list[str]:
    """Return who brought in what is untrusted; empty where nothing is."""
    return [label.partition(":")[2] or "?" for label in labels if label.partition(":")[0] == UNTRUSTED]


class Labels:
    """What the calls that are being handled were labelled with meanwhile, in `picked`, by their id.

    What a MAD in `trusted` brings in is not labelled; `accepts` are the tools of a MAD that labelled calls may reach
    although they destroy ("*": all of them).
    """

    def __init__(
        self, trusted: Collection[str] = (), accepts: Mapping[str, Collection[str]] | None = None, *, most: int = MOST
    ) -> None:
        self.picked: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._trusted, self._accepts = frozenset(trusted), accepts or {}
        self._above: dict[str, str] = {}
        self._most = most

    def accepted(self, name: str) -> bool:
        """Return whether the operator lets labelled calls reach a tool that destroys, by its canonical name."""
        _, mad, tool = name.split(".", 2)
        accepts = self._accepts.get(mad, ())
        return tool in accepts or "*" in accepts

    def source(self, mad: str) -> tuple[str, ...]:
        """Return the labels of what `mad` brings in from outside."""
        return () if mad in self._trusted else (f"{UNTRUSTED}:{mad}",)

    def brought(self, served: Served) -> tuple[str, ...]:
        """Return the labels of what a tool answers, whatever it was asked."""
        return self.source(served.mad) if served.untrusted else ()

    def pick(self, call: str | None, labels: tuple[str, ...]) -> None:
        """Label the call of that id, and those that read it as it streams, from now on."""
        while call is not None and labels:
            self.picked[call] = union(self.picked.get(call, ()), labels)
            self.picked.move_to_end(call)
            if len(self.picked) > self._most:
                self.picked.popitem(last=False)
            call = self._above.get(call)

    def of(self, call: Call) -> tuple[str, ...]:
        """Return the labels of `call` by now."""
        picked = self.picked.get(call.id)
        return call.identity.labels if picked is None else union(call.identity.labels, picked)

    def on(self, identity: Identity, parent: str | None) -> Identity:
        """Return `identity` for what the call of the id `parent` does now."""
        picked = self.picked.get(parent) if parent else None
        return identity if picked is None else replace(identity, labels=union(identity.labels, picked))

    def streams(self, call: Call) -> None:
        """Note that whoever made `call` reads what it gives while it is handled, until `ended`."""
        if call.cause is not None and call.cause != call.id:
            self._above[call.id] = call.cause

    def ended(self, call: Call) -> None:
        """Note that `call` gives nothing more."""
        self._above.pop(call.id, None)

    def answered(self, call: Call, reply: Reply, brought: tuple[str, ...]) -> Reply:
        """Return `reply` with what it carries, which labels whoever made `call`, too."""
        labels = union(self.of(call), brought)
        self.pick(call.cause, labels)
        return replace(reply, labels=labels)
