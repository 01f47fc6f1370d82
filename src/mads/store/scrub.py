"""See that what was erased from a database is gone: from its pages and its log, not only from its tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mads.store.sqlite import Connection

WINDOW = 1024 * 1024
"""How many bytes of a file are looked at at a time."""


def fold(connection: Connection) -> None:
    """Fold the log into the file and empty it; to be called outside of a transaction."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def fold_soon(connection: Connection) -> None:
    """Do the same where nobody has to be waited for."""
    patience = connection.pragma("busy_timeout")
    connection.pragma("busy_timeout", 0)
    try:
        fold(connection)
    finally:
        connection.pragma("busy_timeout", patience)


def rebuild(connection: Connection) -> None:
    """Write the database anew, without what lies in pages and parts of pages that nothing uses."""
    connection.execute("VACUUM").close()
    fold(connection)


def search(folder: Path, pieces: Sequence[bytes]) -> dict[bytes, list[str]]:
    """Return those of `pieces` that stand in some file below `folder`, with the names of the files."""
    found: dict[bytes, list[str]] = {}
    longest = max(map(len, pieces), default=0)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        left = list(pieces)
        for window in _windows(path, longest):
            here = [piece for piece in left if piece in window]
            left = [piece for piece in left if piece not in here]
            for piece in here:
                found.setdefault(piece, []).append(str(path.relative_to(folder)))
    return found


def living(connection: Connection, pieces: Iterable[bytes]) -> dict[bytes, str]:
    """Return those of `pieces` that stand in some row, with the first table that has one."""
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    columns = [
        (table, column)
        for (table,) in tables
        for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
    ]
    found: dict[bytes, str] = {}
    for piece in pieces:
        where = next((table for table, column in columns if _holds(connection, table, column, piece)), None)
        if where is not None:
            found[piece] = where
    return found


def _holds(connection: Connection, table: str, column: str, piece: bytes) -> bool:
    statement = f'SELECT 1 FROM "{table}" WHERE instr(CAST("{column}" AS BLOB), ?) LIMIT 1'  # noqa: S608  names from the schema
    return bool(connection.execute(statement, (piece,)).fetchall())


def _windows(path: Path, overlap: int) -> Iterator[bytes]:
    """Iterate over the bytes of a file, each window with the end of the one before; one that is gone has none."""
    try:
        with path.open("rb") as file:
            tail = b""
            while part := file.read(WINDOW):
                yield tail + part
                tail = part[-overlap:]
    except OSError:
        return
