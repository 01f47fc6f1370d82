"""What the operator has stopped until further notice: on disk before it is answered, so a restart changes nothing."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Self

from mads.guard.budget.accounts import Accounts
from mads.guard.principals import only_operator
from mads.guard.switch import CONTROL, Board
from mads.host.audit import Trail
from mads.store.port import KeptRows, Scope
from mads.wire import codec
from mads.wire.call import current
from mads.wire.errors import InvalidMessage
from mads.wire.status import Stop, Stoppable
from mads.wire.tools import ToolInfo

_SCOPE = Scope(tenant="", mad="host", field="stops", type="host.Stop.v1")

SPEND = "spend"
"""What is stopped where no MAD is: all spending."""

Tools = Callable[[], Sequence[ToolInfo]]


class Switches:
    """Stops and resumes spending in `accounts`, MADs and their `tools` on `board`; what is off is in `rows`.

    `open` makes one. `changed` hears of each change, once it is on disk.
    """

    def __init__(self, rows: KeptRows, accounts: Accounts, audit: Trail, board: Board, tools: Tools) -> None:
        self._rows, self._accounts, self._audit, self._board, self._tools = rows, accounts, audit, board, tools
        self._stops: dict[str, tuple[int, Stop]] = {}
        self.changed: Callable[[], None] = lambda: None

    @classmethod
    async def open(cls, rows: KeptRows, accounts: Accounts, audit: Trail, *, board: Board, tools: Tools) -> Self:
        """Return switches as they were left."""
        switches = cls(rows, accounts, audit, board, tools)
        kept = [(row, codec.decode(body, Stop)) for row, body in await rows.rows(_SCOPE)]
        switches._stops = {stop.what: (row, stop) for row, stop in kept}
        switches._throw()
        return switches

    def stopped(self) -> list[Stop]:
        """Return what is stopped."""
        return [stop for _, stop in self._stops.values()]

    async def stop(self, what: Stoppable, why: str) -> Stop:
        """Stop it; what is stopped already stays so, for the reason that was given first."""
        only_operator(f"stop {what}")
        if not why.strip():
            raise InvalidMessage(f"stopping {what} takes a reason, which everybody is told who is refused: write why")
        self._check(what)
        if what not in self._stops:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            by = call.identity.principal if (call := current.get()) else ""
            stop = Stop(what=what, why=why, by=by, at=at)
            await self._audit.changed("switch", what, f"stopped: {why}")
            self._stops[what] = (await self._rows.add(_SCOPE, codec.encode(stop)), stop)
            self._throw()
        return self._stops[what][1]

    async def resume(self, what: Stoppable) -> None:
        """Let it go on; raise `InvalidMessage` where it is not stopped."""
        only_operator(f"resume {what}")
        if what not in self._stops:
            there = f"; what is: {', '.join(self._stops)}" if self._stops else "; nothing is"
            raise InvalidMessage(f"{what} is not stopped{there}")
        await self._audit.changed("switch", what, "resumed")
        row, _ = self._stops.pop(what)
        await self._rows.remove(_SCOPE, [row])
        self._throw()

    def _check(self, what: str) -> None:
        """Raise `InvalidMessage` where there is nothing of that name, or it is what resumes the others."""
        mad, _, _ = what.partition(".")
        if mad == CONTROL:
            raise InvalidMessage(f"{what} cannot be stopped: by the {CONTROL} whatever is stopped is resumed")
        tools = self._tools()
        known = {SPEND, *(tool.mad for tool in tools), *(f"{tool.mad}.{tool.tool}" for tool in tools)}
        if what not in known:
            near = difflib.get_close_matches(what, known, 3)
            meant = f"did you mean {' or '.join(near)}?" if near else "mads show lists what there is"
            raise InvalidMessage(f"there is no MAD or tool {what!r}; {meant}")

    def _throw(self) -> None:
        stop = self._stops.get(SPEND)
        self._accounts.stopped = f"stopped by {stop[1].by}: {stop[1].why}" if stop else ""
        self._board.throw(stop for what, (_, stop) in self._stops.items() if what != SPEND)
        self.changed()
