"""What a database holds, as something to compare: its schema by name, and the rows of each table as hashes.

Comments, spaces and quotes round names do not count, nor does the order of rows or columns. The counter of an
AUTOINCREMENT counts: without it an id would be given twice.
"""

import re
from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b

import msgspec
from msgspec import Struct

from mads.store.sqlite import Connection

_SCHEMA = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name <> 'schema_migrations'"
_TABLES = """
    SELECT name FROM pragma_table_list
    WHERE schema = 'main' AND type IN ('table', 'virtual')
      AND name NOT IN ('sqlite_schema', 'schema_migrations') AND name NOT GLOB 'sqlite_stat*'
"""
_SHADOWS = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'"
_COLUMNS = "SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY name"
_TOKEN = re.compile(r"('(?:[^']|'')*')|--[^\n]*|/\*.*?\*/|[\"`\[](\w+)[\"`\]]|(\w+|[^\w\s])", re.DOTALL)
_NUMBERS = "sqlite_sequence"


class Difference(Struct, frozen=True):
    """What differs between two fingerprints: definitions by name, and of each table how many rows."""

    schema: tuple[str, ...] = ()
    rows: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self.schema or self.rows)

    def __str__(self) -> str:
        rows = [f"{count} row{'s' * (count != 1)} of {table}" for table, count in self.rows.items()]
        return ", ".join([*rows, *(f"the definition of {name}" for name in self.schema)])


class Fingerprint(Struct, frozen=True):
    """What a database holds, but for the list of its steps."""

    schema: dict[str, str]
    rows: dict[str, Counter[bytes]]

    def differs(self, other: "Fingerprint") -> Difference:
        """Return what of this one `other` does not have, or has in another form, or besides."""
        rows: dict[str, int] = {}
        for table in sorted(self.rows.keys() | other.rows.keys()):
            ours, theirs = self.rows.get(table, Counter()), other.rows.get(table, Counter())
            if count := max((ours - theirs).total(), (theirs - ours).total()):
                rows["the counters of ids" if table == _NUMBERS else table] = count
        return Difference(changed(self.schema, other.schema), rows)


def fingerprint(connection: Connection) -> Fingerprint:
    """Return what the database holds; it reads all of it."""
    tables = [name for (name,) in connection.execute(_TABLES).fetchall()]
    return Fingerprint(definitions(connection), {table: _rows(connection, table) for table in tables})


def definitions(connection: Connection) -> dict[str, str]:
    """Return how each table, index, view and trigger is defined, by kind and name."""
    shadows = {name for (name,) in connection.execute(_SHADOWS)}
    return {
        f"{kind} {name}": _plain(sql)
        for kind, name, sql in connection.execute(_SCHEMA)
        if name not in shadows and name != _NUMBERS
    }


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of what is defined in one only, or otherwise."""
    return tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))


def quoted(name: str) -> str:
    """Return `name` as SQL writes a name."""
    return '"' + name.replace('"', '""') + '"'


def _rows(connection: Connection, table: str) -> Counter[bytes]:
    columns = [name for (name,) in connection.execute(_COLUMNS, (table,))]
    pack = msgspec.msgpack.Encoder().encode
    head = pack(columns)
    select = f"SELECT {', '.join(map(quoted, columns))} FROM {quoted(table)}"  # noqa: S608  names, quoted
    return Counter(blake2b(head + pack(row), digest_size=16).digest() for row in connection.execute(select))


def _plain(sql: str) -> str:
    tokens = ((text or (name or other).lower()) for text, name, other in _TOKEN.findall(sql) if text or name or other)
    return " ".join(tokens)
