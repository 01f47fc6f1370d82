"""Change a database's schema step by step, forth and back; the database itself says which steps it has taken.

A step is a file `NNNN_name.sql` in dbmate's format: what follows `-- migrate:up` takes it, what follows
`-- migrate:down` undoes it. Each runs in a transaction of its own, so one that fails leaves no trace.
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise

from msgspec import Struct

from mads.store.sqlite import Connection, explained, transaction
from mads.wire.errors import StoreError

_NAME = re.compile(r"(\d{4})_\w+\.sql")
_FORM = re.compile(r"\s*-- migrate:up\n(.*\S.*)^-- migrate:down\n(.*\S.*)", re.DOTALL | re.MULTILINE)

_TABLE = "CREATE TABLE IF NOT EXISTS schema_migrations (version TEXT PRIMARY KEY, checksum TEXT NOT NULL) STRICT"


class Migration(Struct, frozen=True):
    """One step; its `checksum` is another one once its file is edited."""

    version: str
    name: str
    up: str
    down: str
    checksum: str


def shipped() -> list[Migration]:
    """Return the steps of the system's own database."""
    return read(files(__name__))


def read(folder: Traversable) -> list[Migration]:
    """Return the steps in the .sql files of `folder`, by number; raise `StoreError` where one is ill-formed."""
    steps = [_parse(file) for file in folder.iterdir() if file.name.endswith(".sql")]
    steps.sort(key=lambda step: step.name)
    for step, following in pairwise(steps):
        if step.version == following.version:
            raise StoreError(f"{step.name} and {following.name} have one number; give the later one the next")
    return steps


def plan(connection: Connection, known: Sequence[Migration]) -> list[Migration]:
    """Return the steps among `known` that `up` would take.

    Raises `StoreError` where the database has taken a step that is not among them, or was edited since, or comes after
    one that is missing.
    """
    taken = _taken(connection)
    steps = {step.version: step for step in known}
    for version, checksum in taken.items():
        if version not in steps:
            raise StoreError(
                f"{connection.filename} was used by a newer mads (it has taken step {version}); update mads"
            )
        if steps[version].checksum != checksum:
            raise StoreError(
                f"{steps[version].name} was edited after {connection.filename} took it; "
                "put its text back and write the change as the next file"
            )
    left = [step for step in known if step.version not in taken]
    if left and taken and left[0].version < max(taken):
        raise StoreError(f"{left[0].name} comes before {max(taken)}, which has been taken; give it a higher number")
    return left


def up(connection: Connection, known: Sequence[Migration]) -> list[Migration]:
    """Take every step that is left, in order, and return them."""
    taken: list[Migration] = []
    while True:
        with transaction(connection):  # the plan is made inside: another process may be taking steps too
            connection.execute(_TABLE)
            left = plan(connection, known)
            if not left:
                return taken
            _execute(connection, left[0], left[0].up)
            connection.execute("INSERT INTO schema_migrations VALUES (?, ?)", (left[0].version, left[0].checksum))
        taken.append(left[0])


def down(connection: Connection, known: Sequence[Migration]) -> Migration | None:
    """Undo the step that was taken last and return it; None where there is none."""
    with transaction(connection):
        left = plan(connection, known)
        taken = known[: len(known) - len(left)]
        if not taken:
            return None
        _execute(connection, taken[-1], taken[-1].down)
        connection.execute("DELETE FROM schema_migrations WHERE version = ?", (taken[-1].version,))
        return taken[-1]


def _parse(file: Traversable) -> Migration:
    text = file.read_text(encoding="utf-8")
    name, form = _NAME.fullmatch(file.name), _FORM.fullmatch(text)
    if name is None or form is None:
        raise StoreError(
            f"{file.name} is no migration; name it NNNN_what_it_does.sql and write `-- migrate:up`, SQL, "
            "`-- migrate:down`, SQL that undoes it"
        )
    return Migration(name[1], file.name, form[1], form[2], sha256(text.encode()).hexdigest())


def _execute(connection: Connection, step: Migration, statements: str) -> None:
    with explained(f"{connection.filename}: {step.name}"):
        list(connection.execute(statements))


def _taken(connection: Connection) -> dict[str, str]:
    """Return the checksums of the steps that the database has taken, by version."""
    if not list(connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'")):
        return {}
    return dict(connection.execute("SELECT version, checksum FROM schema_migrations ORDER BY version"))
