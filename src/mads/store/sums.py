"""Checksums beside what was acknowledged: a byte that is not as it was written is found at start, not by a handler."""

from functools import lru_cache
from zlib import crc32

from mads.store.sqlite import PUT_BACK, Connection
from mads.wire.errors import StoreError

_STATE = "SELECT 'command ' || seq FROM commands WHERE state NOT IN ('open', 'done', 'dead')"
_SUMMED = (
    "SELECT 'kept value ' || id, sum, body, tenant, mad, field, type || taint FROM kept WHERE sum IS NOT NULL",
    """
    SELECT 'command ' || seq, sum, envelope, tenant, sender, subject, key FROM commands
    WHERE sum IS NOT NULL AND state <> 'done'
    """,
)


def sum_of(body: bytes, *names: str | None) -> int:
    """Return the checksum of `body` and of what says whose it is."""
    return crc32(body, _start(*names))


@lru_cache(maxsize=1024)
def _start(*names: str | None) -> int:
    return crc32("\0".join(map(str, names)).encode())


def refuse_changed(connection: Connection) -> None:
    """Raise `StoreError` where a row is not as it was written; reads all of those that have a checksum."""
    changed = [what for (what,) in connection.execute(_STATE)]
    for statement in _SUMMED:
        changed += (what for what, kept, body, *names in connection.execute(statement) if sum_of(body, *names) != kept)
    if changed:
        raise StoreError(f"{connection.filename}: it is damaged; {PUT_BACK} ({changed[0]} is not as it was written)")
