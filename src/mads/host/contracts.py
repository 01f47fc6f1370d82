"""What each MAD has offered since when: who knows it from before a reload is told so before anything is done.

A call of a tool that has changed is refused where the arguments of such a caller need not fit, or its result would not
be what the caller reads. Whoever comes through a door asks what there is, and is nobody that could be outdated.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mads.author.contract import interface, misfits
from mads.author.contract.interface import ToolInterface
from mads.host.commands.dispatcher import Sends
from mads.host.commands.envelope import Envelope, Terms
from mads.wire.call import Call, Handle, Identity, Reply
from mads.wire.errors import Outdated
from mads.wire.ids import is_command
from mads.wire.tools import ToolInfo


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools of a MAD by name, as they are `since` that moment of the monotonic clock."""

    since: float
    tools: Mapping[str, ToolInterface]


class Contracts:
    """The offers of the MADs of one system; `read` says when a MAD's code, as it runs now, was read."""

    def __init__(self, read: Callable[[str], float]) -> None:
        self._read = read
        self._offers: dict[str, list[Offer]] = {}
        self._changed = False
        self._misfits: dict[tuple[str, str, int], list[str]] = {}

    def round(self, mad: str, tools: Iterable[ToolInfo], handle: Handle) -> Handle:
        """Take note that `mad` offers `tools` from now on; return `handle`, which refuses callers that are outdated."""
        offers = self._offers.setdefault(mad, [])
        offered = interface([mad], tools, []).mads[mad].tools
        if not offers or offers[-1].tools != offered:
            offers.append(Offer(time.monotonic(), offered))
            self._changed |= len(offers) > 1
            self._misfits = {key: why for key, why in self._misfits.items() if key[0] != mad}
        if len(offers) == 1:
            return handle

        def current(call: Call) -> Awaitable[Reply]:
            if not is_command(call.id):  # what was sent long ago counts as it is
                self.check(call.subject, call.identity)
            return handle(call)

        return current

    def check(self, subject: str, identity: Identity) -> None:
        """Raise `Outdated` where the last of the chain knows another tool than the one that is at `subject` now."""
        if not self._changed:
            return
        kind, _, name = subject.partition(".")
        mad, _, tool = name.partition(".")
        offers, caller = self._offers.get(mad, []), identity.chain[-1] if identity.chain else ""
        if kind != "mads" or len(offers) < 2 or caller not in self._offers or caller == mad:  # noqa: PLR2004  a change takes two
            return
        read = self._read(caller)
        known = max((at for at, offer in enumerate(offers) if offer.since <= read), default=0)
        if why := self._misfit(mad, tool, known):
            raise Outdated(
                f"{mad} was reloaded, and {mad}.{tool} is not what {caller} knows any more: {'; '.join(why)}; "
                f"write: mads reload {caller}",
                where=mad,
            )

    def _misfit(self, mad: str, tool: str, known: int) -> list[str]:
        key, offers = (mad, tool, known), self._offers[mad]
        if key not in self._misfits:
            old, new = offers[known].tools.get(tool), offers[-1].tools.get(tool)
            self._misfits[key] = [] if old is None or old == new else misfits(old, new)
        return self._misfits[key]


class CheckedSends:
    """Takes commands for `sends`, but for those of a sender that is outdated."""

    def __init__(self, sends: Sends, contracts: Contracts) -> None:
        self._sends, self._contracts = sends, contracts

    def send(self, envelope: Envelope[Any], terms: Terms) -> Awaitable[int]:
        """Take a command; raise `Outdated` where its sender knows the tool as it was."""
        self._contracts.check(envelope.subject, envelope.identity)
        return self._sends.send(envelope, terms)
