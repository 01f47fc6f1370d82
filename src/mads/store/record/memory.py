"""The record in memory: the twin for tests, which keeps every promise but the one about crashes."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from mads.store.record.port import Batch, Query
from mads.wire.record import HASHED, Entry


class MemoryRecord:
    """Keeps entries for as long as it lives."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._bodies: dict[bytes, bytes] = {}

    async def add(self, make: Callable[[], Batch]) -> int:
        """Keep what `make` returns; return how many entries that were."""
        batch, first = make(), len(self._entries) + 1
        self._entries += [replace(entry, seq=seq) for seq, entry in enumerate(batch.entries, first)]
        self._bodies |= batch.bodies
        return len(batch.entries)

    async def entries(self, query: Query) -> list[Entry]:
        """Return the entries that `query` asks for."""
        found = [entry for entry in self._entries if _fits(entry, query)]
        return found[-query.limit :] if query.newest else found[: query.limit]

    async def body(self, address: bytes) -> bytes | None:
        """Return the body at `address`; None where there is none."""
        return address or None if len(address) < HASHED else self._bodies.get(address)


def _fits(entry: Entry, query: Query) -> bool:
    return (
        entry.seq > query.after
        and query.tenant in (None, entry.tenant)
        and query.trace in (None, entry.trace)
        and query.conversation in (None, entry.conversation)
        and query.id in (None, entry.id)
        and (query.since is None or entry.at_us >= query.since)
        and (query.until is None or entry.at_us < query.until)
    )
