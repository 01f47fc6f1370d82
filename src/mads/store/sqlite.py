"""Open a SQLite database so that what is committed is on disk; the only module that knows the driver."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol, cast

import apsw

from mads.wire.errors import StoreError

Value = int | float | str | bytes | None
"""What a column may hold."""


class Cursor(Protocol):
    """The rows that a statement found; one that is not read to its end must be closed."""

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Iterate over the rows."""
        ...

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all rows that are left."""
        ...

    def close(self) -> None:
        """Leave the rest unread."""


class Connection(Protocol):
    """A connection to a database, for one thread at a time."""

    @property
    def filename(self) -> str:
        """The path of the database."""
        ...

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        ...

    def execute(self, statements: str, bindings: Sequence[Value] = (), /) -> Cursor:
        """Execute up to the first row that is found; of several statements, read the cursor to its end."""
        ...

    def executemany(self, statements: str, bindings: Iterable[Sequence[Value]], /) -> Cursor:
        """Execute once for each of `bindings`."""
        ...

    def pragma(self, name: str, value: int | str | None = None, /) -> Any:
        """Set a pragma, or read it."""
        ...

    def changes(self) -> int:
        """Return how many rows the last statement changed."""
        ...

    def interrupt(self) -> None:
        """End what another thread does with it, by an error there."""

    def last_insert_rowid(self) -> int:
        """Return the id of the row that was added last."""
        ...

    def close(self) -> None:
        """Let go of the database."""


_PATIENCE = 5000
"""Milliseconds that a lock is waited for."""
_TRIES = 5
"""How often a copy is begun anew where the file changed meanwhile."""

_PRAGMAS = (
    ("busy_timeout", _PATIENCE),
    ("synchronous", "FULL"),
    ("fullfsync", "ON"),  # without it macOS leaves what was synced in the drive's cache
    ("foreign_keys", "ON"),
    ("trusted_schema", "OFF"),
    ("secure_delete", "ON"),  # what is deleted is overwritten, not only forgotten
)

PUT_BACK = "move it out of the way or put a copy back"
"""What to do about a file that cannot be read."""

_REASONS: tuple[tuple[type[apsw.Error], str], ...] = (
    (apsw.FullError, "the disk is full; make room and try again"),
    (apsw.IOError, "the disk refuses to read or write; make room or repair it, then try again"),
    (apsw.BusyError, "another process keeps it locked; stop that one and try again"),
    (apsw.NotADBError, f"it is no SQLite database; {PUT_BACK}"),
    (apsw.CorruptError, f"it is damaged; {PUT_BACK}"),
    (apsw.CantOpenError, "it cannot be opened; see that it is a file which may be read and written"),
    (apsw.ReadOnlyError, "it may not be written; see to the permissions of the file and its folder"),
    (apsw.Error, "SQLite refuses"),
)


def connect(path: Path, *, readonly: bool = False) -> Connection:
    """Return a connection to the database at `path`: a commit is synced, a lock is waited for.

    Unless `readonly`, the file and its folder are made where they are missing, for their owner alone. Blocks; raises
    `StoreError`.
    """
    with explained(path):
        if not readonly:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
        flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE
        connection = cast("Connection", apsw.Connection(str(path), flags=flags))
        for name, value in _PRAGMAS:
            connection.pragma(name, value)
        if connection.pragma("journal_mode", "wal") != "wal":
            raise StoreError(f"{path}: no write-ahead log is possible there; keep it on a local disk")
    return connection


def peek(path: Path) -> Connection:
    """Return a connection that reads the file at `path` alone, not its log, and leaves no trace; raise `StoreError`."""
    with explained(path):
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        return cast("Connection", apsw.Connection(f"{path.resolve().as_uri()}?immutable=1", flags=flags))


def scratch() -> Connection:
    """Return a connection to a new database in memory."""
    return cast("Connection", apsw.Connection(":memory:"))


def whole(connection: Connection) -> None:
    """Raise `StoreError` where the structure of the database is damaged, or an index misses a row; reads all of it."""
    found = connection.pragma("integrity_check")
    if found != "ok":
        first = str(found).splitlines()[0]
        raise StoreError(f"{connection.filename}: it is damaged; {PUT_BACK} ({first})")


def copy(path: Path, to: Path) -> None:
    """Copy the database at `path`, as it is at one moment, into the new file `to`; the original stays as it is.

    A system may write to it meanwhile. Blocks; raises `StoreError`.
    """
    log = path.with_name(f"{path.name}-wal")
    with explained(path):
        for _ in range(_TRIES):
            before = path.stat()
            is_logged = log.exists() and log.stat().st_size > 0
            with closing(_untouched(path) if is_logged else peek(path)) as source:
                _back_up(cast("apsw.Connection", source), to)
            after = path.stat()
            if is_logged or (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
                return
        raise StoreError(f"{path} is written to all the time; try again")


def logged(path: Path) -> int:
    """Return how many frames of the log of the database at `path` SQLite would use; raise `StoreError`."""
    with explained(path), closing(_untouched(path)) as connection:
        connection.pragma("user_version")  # makes it read the log
        count, _ = cast("apsw.Connection", connection).wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
        return count


def _untouched(path: Path) -> Connection:
    """Return a connection that reads the file and its log, and leaves the log where it is when it closes."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.set_busy_timeout(_PATIENCE)
    return cast("Connection", connection)


def _back_up(source: apsw.Connection, to: Path) -> None:
    to.unlink(missing_ok=True)
    to.touch(mode=0o600)
    try:
        with closing(apsw.Connection(str(to))) as target, target.backup("main", source, "main") as backup:
            while not backup.done:
                backup.step(-1)
    except BaseException:
        to.unlink(missing_ok=True)
        raise


@contextmanager
def transaction(connection: Connection) -> Generator[None]:
    """Commit what the block does; undo it where the block, or the commit, raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has undone it already
            connection.execute("ROLLBACK")
        raise


@contextmanager
def explained(what: object) -> Generator[None]:
    """Turn what the driver or the system says about `what` into a `StoreError`."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{what}: {error.strerror}; see that its folder is one, and may be written") from error
    except UnicodeDecodeError as error:
        raise StoreError(f"{what}: it is damaged; {PUT_BACK} ({error.object[:20]!r} is no text)") from error
    except apsw.Error as error:
        reason = next(reason for kind, reason in _REASONS if isinstance(error, kind))
        raise StoreError(f"{what}: {reason} ({error})") from error


def is_damaged(error: StoreError) -> bool:
    """Return whether `error` says that the file is no database, or a broken one."""
    return isinstance(error.__cause__, apsw.NotADBError | apsw.CorruptError)
