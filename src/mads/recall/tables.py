"""The tables of an index, and who may see which of their rows."""

import os
from typing import NamedTuple

from mads.store.sqlite import Connection, Value, transaction

FORMAT = 7
"""The version of how files are cut for the tables; an index of any other, or with other tables, is made anew."""

_SCHEMA = (
    "CREATE TABLE surveyed (at_all INTEGER PRIMARY KEY)",
    """CREATE TABLE files (
    path TEXT PRIMARY KEY, changed_ns INTEGER NOT NULL, size INTEGER NOT NULL,
    is_done INTEGER NOT NULL, is_read INTEGER NOT NULL
) WITHOUT ROWID""",
    "CREATE INDEX files_to_do ON files (changed_ns) WHERE NOT is_done",
    """CREATE TABLE chunks (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL, kind TEXT NOT NULL, tenant TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, symbol TEXT NOT NULL,
    changed_ns INTEGER NOT NULL, digest BLOB NOT NULL, has_vector INTEGER NOT NULL, text TEXT NOT NULL
)""",
    "CREATE INDEX chunks_of_file ON chunks (path)",
    "CREATE INDEX chunks_by_symbol ON chunks (symbol, path, tenant)",
    "CREATE INDEX chunks_of_decisions ON chunks (path) WHERE kind = 'decision'",
    "CREATE INDEX chunks_by_digest ON chunks (digest)",
    "CREATE INDEX chunks_without_vector ON chunks (changed_ns) WHERE NOT has_vector",
    """CREATE VIRTUAL TABLE words USING fts5 (
    symbol, path, text, content='', contentless_delete=1, tokenize='porter unicode61'
)""",
    """CREATE TABLE vectors (
    id INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE, vector BLOB NOT NULL, words BLOB NOT NULL
)""",
    """CREATE TABLE decisions (
    path TEXT PRIMARY KEY, number TEXT NOT NULL, title TEXT NOT NULL, status TEXT NOT NULL,
    affects TEXT NOT NULL, supersedes TEXT NOT NULL
) WITHOUT ROWID""",
    """CREATE TABLE commits (
    id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, message TEXT NOT NULL
)""",
    "CREATE TABLE changes (path TEXT NOT NULL, made_by INTEGER NOT NULL, PRIMARY KEY (path, made_by)) WITHOUT ROWID",
    "CREATE INDEX changes_of_commit ON changes (made_by)",
    "CREATE VIRTUAL TABLE messages USING fts5 (message, content='', contentless_delete=1, tokenize='porter unicode61')",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, told TEXT NOT NULL) WITHOUT ROWID",
)


class Reader(NamedTuple):
    """Who looks: what belongs to another than `tenant`, and paths that one of the globs `hidden` fits, is not there."""

    tenant: str = ""
    hidden: tuple[str, ...] = ()

    def allowed(self, path: str = "path", tenant: str = "tenant") -> tuple[str, tuple[Value, ...]]:
        """Return the condition, and its bindings, that rows with these columns fulfil which may be seen."""
        hides = "".join(f" AND {path} NOT GLOB ?" for _ in self.hidden)
        return f"{tenant} IN ('', ?){hides}", (self.tenant, *self.hidden)


NOBODY = "\0"
"""The tenant of what does not say whose it is, and should; no tenant has this name."""

EVERYONE = Reader()
"""Whoever sees only what all see, and nothing is hidden from."""


def prepare(db: Connection) -> None:
    """Make the tables of an index; those of another format are dropped."""
    if _is_current(db):
        return
    with transaction(db):
        if _is_current(db):  # another process was first
            return
        tables = db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            " ORDER BY sql NOT LIKE 'CREATE VIRTUAL%'"
        )
        for (name,) in tables.fetchall():
            db.execute(f'DROP TABLE IF EXISTS "{name}"')
        db.execute(";".join(_SCHEMA)).fetchall()
        note(db, "born", os.urandom(8).hex())
        db.pragma("user_version", FORMAT)


def fact(db: Connection, name: str) -> str:
    """Return what was noted under `name`, or ""."""
    return next((str(told) for (told,) in db.execute("SELECT told FROM facts WHERE name = ?", (name,)).fetchall()), "")


def note(db: Connection, name: str, told: str) -> None:
    """Note what is `told` under `name`, in place of what was."""
    db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, told))


def _is_current(db: Connection) -> bool:
    tables = {sql for (sql,) in db.execute("SELECT sql FROM sqlite_schema").fetchall()}
    return db.pragma("user_version") == FORMAT and tables.issuperset(_SCHEMA)
