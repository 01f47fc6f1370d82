"""The audit in memory: the twin for tests, which keeps every promise but the one about crashes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, takewhile
from time import time

from mads.store.audit.port import (
    SHOWN,
    Event,
    Head,
    Row,
    Which,
    broken,
    cut_at,
    cut_event,
    linked,
    open_doubts,
    refuse_doubtful,
)


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

    async def verify(self, head: Head, *, latest: int | None = None) -> Sequence[str]:
        """Return what is wrong, in words, a line each, where rows up to `head` have to be there; at most `SHOWN`.

        Where `latest` is given, of the last so many rows, and without what somebody has accepted.
        """
        if latest is None:
            return [line for line, _ in islice(self._broken(head, self._gone()), SHOWN)]
        start = self.rows[-latest - 1] if len(self.rows) > latest else None
        return open_doubts(self._broken(head, Head(start.seq, start.hash) if start else self._gone()))

    async def cut(self, before: int) -> Head | None:
        """Take one step to be rid of the rows from before `before`; return the last row, None where no step is left.

        Raises `StoreError` where one of them is not as it was written, and nobody has accepted that.
        """
        old = list(takewhile(lambda row: row.event.at < before, self.rows))
        if not old:
            return None
        last, gone = Head(old[-1].seq, old[-1].hash), self._gone()
        if last.seq > gone.seq:
            refuse_doubtful(open_doubts(self._broken(last, gone)))
            return await self.add([cut_event(last, int(time() * 1_000_000))])
        self.rows = [row for row in self.rows if row.seq > gone.seq]
        return await self.head()

    async def head(self) -> Head:
        """Return the last row there is."""
        return Head(self.rows[-1].seq, self.rows[-1].hash) if self.rows else Head()

    def _broken(self, head: Head, after: Head) -> Iterator[tuple[str, bool]]:
        return broken((row for row in self.rows if row.seq > after.seq), self._key, head, after)

    def _gone(self) -> Head:
        cuts = [row.event for row in self.rows if row.event.kind == "cut"]
        return cut_at(cuts[-1]) if cuts else Head()
