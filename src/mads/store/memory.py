"""Kept rows in memory: the twin for tests, which keeps every promise but the one about crashes."""

import itertools
from collections.abc import Sequence

from mads.store.port import Row, Scope, Taint, expect, page


class MemoryRows:
    """Keeps rows for as long as it lives."""

    def __init__(self) -> None:
        self._next_id = itertools.count(1).__next__
        self._fields: dict[tuple[str, str, str], dict[int, tuple[str, bytes]]] = {}
        self._taints: dict[int, Taint] = {}

    def put(self, scope: Scope, body: bytes) -> int:
        """Keep one more row at once, as where a test begins; return its id."""
        field = self._field(scope)
        for row, (kept_as, _) in field.items():
            expect(scope, row, kept_as)
            break
        row = self._next_id()
        field[row] = (scope.type, body)
        return row

    async def add(self, scope: Scope, body: bytes, taint: Taint = ()) -> int:
        """Keep one more row; return its id."""
        row = self.put(scope, body)
        if taint:
            self._taints[row] = taint
        return row

    async def rows(self, scope: Scope, *, after: int = 0, size: int | None = None) -> list[Row]:
        """Return the rows with an id above `after`, oldest first: all, or as many as `page` takes to reach `size`."""
        field = self._field(scope)
        return page(scope, ((row, *kept) for row, kept in field.items() if row > after), size)

    async def tainted(self, scope: Scope) -> dict[int, Taint]:
        """Return the labels of those rows that have any."""
        return {row: self._taints[row] for row in self._field(scope) if row in self._taints}

    async def remove(self, scope: Scope, ids: Sequence[int]) -> int:
        """Forget those of the scope's rows that `ids` names; return how many there were."""
        field = self._field(scope)
        gone = [row for row in set(ids) if row in field and field[row][0] == scope.type]
        for row in gone:
            del field[row]
        return len(gone)

    async def close(self) -> None:
        """Do nothing: there is no engine."""

    def _field(self, scope: Scope) -> dict[int, tuple[str, bytes]]:
        return self._fields.setdefault((scope.tenant, scope.mad, scope.field), {})
