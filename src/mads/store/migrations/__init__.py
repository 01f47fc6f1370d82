"""Change a database's schema step by step, forth and back; the database itself says which steps it has taken.

A step is a file `NNNN_name.sql` in dbmate's format: what follows `-- migrate:up` takes it, what follows
`-- migrate:down` undoes it. Each runs in a transaction of its own, so one that fails leaves no trace. A step that
cannot be undone exactly says so in a line of ours, `-- mads:lossy` and why.
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise

from msgspec import Struct

from mads.store.migrations.destructive import ends_transaction
from mads.store.sqlite import Connection, explained, transaction
from mads.wire.errors import StoreError

_NAME = re.compile(r"(\d{4})_\w+\.sql")
_FORM = re.compile(r"\s*-- migrate:up\n(.*\S.*)^-- migrate:down\n(.*\S.*)", re.DOTALL | re.MULTILINE)
_LOSSY = re.compile(r"^-- mads:lossy\b[ \t]*(.*)$", re.MULTILINE)

_TABLE = "CREATE TABLE IF NOT EXISTS schema_migrations (version TEXT PRIMARY KEY, checksum TEXT NOT NULL) STRICT"


class Migration(Struct, frozen=True):
    """One step; its `checksum` is another one once its file is edited.

    `lossy` is why `down` does not bring back all that `up` took away; "" where it does.
    """

    version: str
    name: str
    up: str
    down: str
    checksum: str
    lossy: str = ""


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
    checksums = _taken(connection)
    steps = {step.version: step for step in known}
    for version, checksum in checksums.items():
        if version not in steps:
            raise StoreError(
                f"{connection.filename} was used by a newer mads (it has taken step {version}); update mads"
            )
        if steps[version].checksum != checksum:
            raise StoreError(
                f"{steps[version].name} was edited after {connection.filename} took it; "
                "put its text back and write the change as the next file"
            )
    left = [step for step in known if step.version not in checksums]
    if left and checksums and left[0].version < max(checksums):
        raise StoreError(f"{left[0].name} comes before {max(checksums)}, which has been taken; give it a higher number")
    return left


def up(connection: Connection, known: Sequence[Migration]) -> list[Migration]:
    """Take every step that is left, in order, and return them."""
    done: list[Migration] = []
    while True:
        with transaction(connection):  # the plan is made inside: another process may be taking steps too
            connection.execute(_TABLE)
            left = plan(connection, known)
            if not left:
                return done
            _execute(connection, left[0], left[0].up)
            connection.execute("INSERT INTO schema_migrations VALUES (?, ?)", (left[0].version, left[0].checksum))
        done.append(left[0])


def taken(connection: Connection, known: Sequence[Migration]) -> list[Migration]:
    """Return the steps among `known` that the database has taken; raise `StoreError` as `plan` does."""
    return list(known[: len(known) - len(plan(connection, known))])


def down(connection: Connection, known: Sequence[Migration]) -> Migration | None:
    """Undo the step that was taken last and return it; None where there is none."""
    with transaction(connection):
        done = taken(connection, known)
        if not done:
            return None
        _execute(connection, done[-1], done[-1].down)
        connection.execute("DELETE FROM schema_migrations WHERE version = ?", (done[-1].version,))
        return done[-1]


def _parse(file: Traversable) -> Migration:
    text = file.read_text(encoding="utf-8")
    name, form = _NAME.fullmatch(file.name), _FORM.fullmatch(text)
    if name is None or form is None:
        raise StoreError(
            f"{file.name} is no migration; name it NNNN_what_it_does.sql and write `-- migrate:up`, SQL, "
            "`-- migrate:down`, SQL that undoes it"
        )
    if ending := ends_transaction(form[1]) or ends_transaction(form[2]):
        raise StoreError(f"{file.name} runs in a transaction of its own; take out {ending!r}")
    lossy = _LOSSY.search(text)
    if lossy is not None and not lossy[1].strip():
        raise StoreError(f"{file.name} is lossy without a reason; write `-- mads:lossy` and why")
    why = lossy[1].strip() if lossy else ""
    return Migration(name[1], file.name, form[1], form[2], sha256(text.encode()).hexdigest(), why)


def _execute(connection: Connection, step: Migration, statements: str) -> None:
    with explained(f"{connection.filename}: {step.name}"):
        list(connection.execute(statements))


def _taken(connection: Connection) -> dict[str, str]:
    """Return the checksums of the steps that the database has taken, by version."""
    if not list(connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'")):
        return {}
    return dict(connection.execute("SELECT version, checksum FROM schema_migrations ORDER BY version"))
