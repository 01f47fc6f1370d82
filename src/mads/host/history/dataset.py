"""What there is to learn from: each process that somebody began, its steps, how it came out and what it cost.

A process is a call, a command or a turn of prose that no other recorded call made, with all that came of it. What the
steward was asked is none of it, nor what a timer began. Nothing in a line tells when or where it was written down, so
the same record gives the same lines wherever it lies.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from itertools import chain, takewhile
from typing import Any

from mads.host.config import STEWARD
from mads.host.history.transcript import SAY, key_of, order_of, speaker, value_of
from mads.host.history.transfer import canonical
from mads.store.record.capture import Slice, SqliteCapture
from mads.store.record.conversations import SqliteConversations
from mads.wire.record import Entry

HEAD = {"schema": "mads.dataset", "version": 1}

PAGE = 500
"""How many rows are read at a time."""

AT_ONCE = 100
"""Of how many rows the bodies are read at a time."""

ROOTS = ("call", "command", "prose", "model")
"""What a process may begin with."""

HAND = "hand"
OUTCOME = "outcome"


class Dataset:
    """The processes in what `capture` reads, with the bodies and labels that `conversations` has."""

    def __init__(self, capture: SqliteCapture, conversations: SqliteConversations) -> None:
        self._capture, self._conversations = capture, conversations

    async def lines(self, part: Slice) -> AsyncIterator[str]:
        """Iterate over the lines: the first names the schema, then come the processes in the order of their times."""
        labels = {
            (mark.tenant, mark.conversation, mark.call, mark.mad, mark.attempt): mark.label
            for mark in await self._capture.marks(part)
        }
        yield canonical(HEAD)
        trees: dict[str, Tree] = {}
        last: Entry | None = None
        while page := await self._capture.page(part, last, PAGE):
            left = [entry for entry in page if entry.kind in ROOTS and not is_control(entry)]
            while left:
                trees = await self._trees(left, trees, part.tenant)
                ready = [*takewhile(lambda entry: entry.trace in trees or not entry.trace, left)]  # noqa: B023  done here
                left = left[len(ready) :]
                for some in _in_parts(_processes(ready, trees)):
                    bodies = await self._conversations.bodies(chain.from_iterable(some))
                    for entry, *steps in some:
                        yield canonical(_process(entry, steps, bodies, labels))
            last = page[-1]

    async def _trees(self, entries: Sequence[Entry], known: Mapping[str, Tree], tenant: str | None) -> dict[str, Tree]:
        """Return the trees of `entries` that are `known`, or else of as many of the first as are read at a time."""
        wanted = dict.fromkeys(entry.trace for entry in entries if entry.trace)
        found = {trace: known[trace] for trace in wanted if trace in known}
        if entries[0].trace and entries[0].trace not in found:
            new = await self._capture.traces((trace for trace in wanted if trace not in found), tenant)
            found |= {trace: Tree(read) for trace, read in new.items()}
        return found


def _processes(entries: Iterable[Entry], trees: Mapping[str, Tree]) -> Iterator[list[Entry]]:
    """Iterate over those of `entries` with which a process began, each with its steps."""
    for entry in entries:
        tree = trees.get(entry.trace) or Tree((entry,))
        if tree.is_root(entry):
            yield [entry, *(step for step in tree.under(entry) if not is_control(step))]


def _in_parts(processes: Iterable[list[Entry]]) -> Iterator[list[list[Entry]]]:
    """Iterate over `processes` in parts of so many rows as have their bodies read at a time."""
    part: list[list[Entry]] = []
    for process in processes:
        part.append(process)
        if sum(map(len, part)) >= AT_ONCE:
            yield part
            part = []
    if part:
        yield part


class Tree:
    """The rows of one trace, each under the one that made it."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = sorted(entries, key=order_of)
        self._by_id: dict[str, list[Entry]] = {}
        for entry in self._entries:
            self._by_id.setdefault(entry.id, []).append(entry)

    def above(self, entry: Entry) -> Entry | None:
        """Return the row of the call that was being handled when this one was made; None where there is none."""
        made = [one for one in self._by_id.get(entry.cause or "", ()) if key_of(one) != key_of(entry)]
        during = [one for one in made if one.began_us <= entry.began_us <= one.began_us + one.took_us]
        return next(reversed(during or made), None)

    def is_root(self, entry: Entry) -> bool:
        """Return whether nothing but the steward's control made this one."""
        above = self.above(entry)
        return above is None or (is_control(above) and self.is_root(above))

    def under(self, entry: Entry) -> Iterator[Entry]:
        """Iterate over what came of a row, in the order of their times."""
        inside = {key_of(entry)}
        for one in self._entries:
            above = self.above(one)
            if above is not None and key_of(above) in inside and key_of(one) not in inside:
                inside.add(key_of(one))
                yield one


def is_control(entry: Entry) -> bool:
    """Return whether a row is a question to the steward, or an order: no part of what the system was made to do."""
    return entry.subject.startswith(f"mads.{STEWARD}.") and entry.subject != SAY


def _process(
    entry: Entry, steps: Sequence[Entry], bodies: dict[bytes, bytes], labels: dict[tuple[str, str, str, str, int], str]
) -> dict[str, Any]:
    whose = (entry.tenant, entry.conversation or "")
    by_hand = labels.get((*whose, *key_of(entry))) or labels.get((*whose, "", "", 0))
    return {
        **_step(entry, bodies),
        "tenant": entry.tenant,
        "conversation": entry.conversation,
        "principal": entry.principal,
        "at_us": entry.at_us,
        "label": by_hand or ("ok" if entry.outcome in ("ok", "unheard") else "failed"),
        "labelled_by": HAND if by_hand else OUTCOME,
        "cost": entry.cost + sum(step.cost for step in steps),
        "steps": [_step(step, bodies) for step in steps],
    }


def _step(entry: Entry, bodies: dict[bytes, bytes]) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "by": speaker(entry.chain, entry.principal),
        "subject": entry.subject,
        "mad": entry.mad,
        "version": entry.version,
        "attempt": entry.attempt,
        "asked": value_of(entry.asked, bodies),
        "answered": None if entry.subject == SAY else value_of(entry.answered, bodies),  # its steps are what came of it
        "outcome": entry.outcome,
        "why": entry.why,
        "taint": entry.taint,
    }
