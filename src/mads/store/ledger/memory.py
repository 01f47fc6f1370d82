"""The ledger in memory: the twin for tests, which keeps every promise but the one about crashes."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from mads.store.ledger.port import Line, State
from mads.wire.ledger import Amount


class MemoryBookings:
    """Keeps lines for as long as it lives."""

    def __init__(self) -> None:
        self._lines: dict[int, Line] = {}

    async def reserve(self, line: Line) -> int:
        """Keep a reservation; return its id."""
        id_ = len(self._lines) + 1
        self._lines[id_] = replace(line, id=id_, state="reserved")
        return id_

    async def settle(self, id_: int, holder: str, state: State, amount: Amount) -> bool:
        """Settle what `holder` reserved; return whether there was such a reservation."""
        line = self._lines.get(id_)
        if line is None or line.holder != holder or line.state != "reserved":
            return False
        self._lines[id_] = replace(line, state=state, amount=amount)
        return True

    async def lines(self, *, state: State | None = None, after: int = 0, limit: int = 1000) -> Sequence[Line]:
        """Return the first `limit` lines after the id `after`."""
        found = [line for id_, line in self._lines.items() if id_ > after and state in (None, line.state)]
        return found[:limit]
