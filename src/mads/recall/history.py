"""What was changed together, when and why: the commits of a folder, in its index, followed as they are made."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from mads.recall.git import git
from mads.recall.lexical import any_of
from mads.recall.tables import Reader, fact, note
from mads.recall.words import apart, keywords
from mads.store.sqlite import Connection, transaction

MOST = 5_000
"""How many commits are kept, of those that were made last."""

LONGEST = 4_000
"""How many characters of a message are kept."""

_HEAD = "head"
_COMMIT = re.compile(r"\0\0([0-9a-f]{40,64})\0(\d+)\0([^\0]*)\0\0?\n?((?:[^\0]+\0)*)")
_FORMAT = "--format=%x00%x00%H%x00%ct%x00%B%x00"


class Commit(Struct, frozen=True):
    """A commit: what it says, when it was made (seconds since 1970), the files that it changed."""

    hash: str
    at: int
    subject: str
    files: tuple[str, ...]


class _Made(NamedTuple):
    hash: str
    at: int
    message: str
    files: Sequence[str]


def follow(db: Connection, folder: Path) -> None:
    """Let the index hold the commits that led to what the folder is now; of a history that was rewritten, anew."""
    head = (git(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}") or b"").decode().strip()
    known = fact(db, _HEAD)
    if head == known:
        return
    is_ahead = known and git(folder, "merge-base", "--is-ancestor", known, head) is not None
    made = list(_commits(folder, f"{known}..{head}" if is_ahead else head)) if head else []
    with transaction(db):
        if not is_ahead:
            for table in ("commits", "changes", "messages"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608  the names are ours
        for commit in reversed(made):
            _add(db, commit)
        _forget(db)
        note(db, _HEAD, head)


def commits(db: Connection, about: str, limit: int, reader: Reader) -> list[Commit]:
    """Return the last commits that changed a path, or those whose message fits the words best."""
    path = about.strip("/").removeprefix("./")
    ids = db.execute(
        "SELECT DISTINCT made_by FROM changes WHERE path = ?1 OR substr(path, 1, length(?1) + 1) = ?1 || '/'"
        " ORDER BY made_by DESC LIMIT ?2",
        (path, limit),
    ).fetchall()
    words = keywords(about)
    if not ids and words:
        ids = db.execute(
            "SELECT rowid FROM messages WHERE messages MATCH ? ORDER BY rank, rowid DESC LIMIT ?",
            (any_of(words), limit),
        ).fetchall()
    return [commit for (id_,) in ids for commit in _told(db, id_, reader)]


def _told(db: Connection, id_: int, reader: Reader) -> Iterator[Commit]:
    """Yield a commit as a reader may see it: not at all where it changed nothing but what is hidden."""
    allowed, bindings = reader.allowed(tenant="''")
    files = db.execute(f"SELECT path FROM changes WHERE made_by = ? AND {allowed}", (id_, *bindings))  # noqa: S608
    seen = tuple(str(path) for (path,) in files.fetchall())
    for hash_, at, message in db.execute("SELECT hash, at, message FROM commits WHERE id = ?", (id_,)).fetchall():
        if seen:
            yield Commit(hash_, at, message.partition("\n")[0], seen)


def _commits(folder: Path, which: str) -> Iterator[_Made]:
    """Yield the commits, the last first, that changed something in the folder; merges change nothing of their own."""
    told = git(
        folder, "log", f"--max-count={MOST}", "-z", "--no-merges", "--no-renames", "--name-only", "--relative",
        "--no-ext-diff", "--no-textconv", _FORMAT, which, "--",
    )  # fmt: skip
    for hash_, at, message, files in _COMMIT.findall((told or b"").decode(errors="replace")):
        yield _Made(hash_, int(at), message.strip()[:LONGEST], files.split("\0")[:-1])


def _add(db: Connection, commit: _Made) -> None:
    db.execute(
        "INSERT OR IGNORE INTO commits (hash, at, message) VALUES (?, ?, ?)", (commit.hash, commit.at, commit.message)
    )
    if not db.changes():
        return
    id_ = db.last_insert_rowid()
    db.execute("INSERT INTO messages (rowid, message) VALUES (?, ?)", (id_, apart(commit.message)))
    db.executemany("INSERT OR IGNORE INTO changes VALUES (?, ?)", [(path, id_) for path in commit.files])


def _forget(db: Connection) -> None:
    """Forget the commits beyond the last `MOST`."""
    old = db.execute("DELETE FROM commits WHERE id <= (SELECT max(id) FROM commits) - ? RETURNING id", (MOST,))
    ids = old.fetchall()
    db.executemany("DELETE FROM messages WHERE rowid = ?", ids)
    db.executemany("DELETE FROM changes WHERE made_by = ?", ids)
