"""The audit in memory: the twin for tests, which keeps every promise but the one about crashes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from mads.store.audit.port import SHOWN, Event, Head, Row, Which, broken, linked


class MemoryAudit:
    """Keeps rows for as long as it lives."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.rows: list[Row] = []

    async def add(self, events: Sequence[Event]) -> Head:
        """Add a row for each of `events`; return the last."""
        for event in events:
            head = await self.head()
            self.rows.append(Row(head.seq + 1, event, linked(self._key, head.hash, head.seq + 1, event)))
        return await self.head()

    async def last(self, which: Which, limit: int) -> Sequence[Row]:
        """Return the last `limit` of `which` rows, oldest first."""
        wanted = {name: said for name in ("tenant", "principal", "request", "trace") if (said := getattr(which, name))}
        fitting = [
            row
            for row in self.rows
            if all(getattr(row.event, name) == said for name, said in wanted.items())
            and not (which.denied and row.event.allowed)
        ]
        return fitting[-limit:]

    async def verify(self, head: Head) -> Sequence[str]:
        """Return what is wrong, in words, a line each, where rows up to `head` have to be there; at most `SHOWN`."""
        return list(islice(broken(iter(self.rows), self._key, head), SHOWN))

    async def head(self) -> Head:
        """Return the last row there is."""
        return Head(self.rows[-1].seq, self.rows[-1].hash) if self.rows else Head()
