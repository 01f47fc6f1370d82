"""What the operator has stopped until further notice: on disk before it is answered, so a restart changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

from mads.guard.budget.accounts import Accounts
from mads.guard.principals import only_operator
from mads.host.audit import Trail
from mads.store.port import KeptRows, Scope
from mads.wire import codec
from mads.wire.call import current
from mads.wire.errors import InvalidMessage
from mads.wire.status import Stop, Stoppable

_SCOPE = Scope(tenant="", mad="host", field="stops", type="host.Stop.v1")


class Switches:
    """Stops and resumes spending in `accounts`; what is stopped is in `rows`. `open` makes one."""

    def __init__(self, rows: KeptRows, accounts: Accounts, audit: Trail, stops: dict[str, tuple[int, Stop]]) -> None:
        self._rows, self._accounts, self._audit, self._stops = rows, accounts, audit, stops
        self._throw()

    @classmethod
    async def open(cls, rows: KeptRows, accounts: Accounts, audit: Trail) -> Self:
        """Return switches as they were left."""
        kept = [(row, codec.decode(body, Stop)) for row, body in await rows.rows(_SCOPE)]
        return cls(rows, accounts, audit, {stop.what: (row, stop) for row, stop in kept})

    def stopped(self) -> list[Stop]:
        """Return what is stopped."""
        return [stop for _, stop in self._stops.values()]

    async def stop(self, what: Stoppable, why: str) -> Stop:
        """Stop it; what is stopped already stays so, for the reason that was given first."""
        only_operator(f"stop {what}")
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
            raise InvalidMessage(f"{what} is not stopped")
        await self._audit.changed("switch", what, "resumed")
        await self._rows.remove(_SCOPE, [self._stops[what][0]])
        del self._stops[what]
        self._throw()

    def _throw(self) -> None:
        stop = self._stops.get("spend")
        self._accounts.stopped = f"stopped by {stop[1].by}: {stop[1].why}" if stop else ""
