"""Put files into an index, and take them out."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from mads.recall.chunks import Chunk, chunks
from mads.recall.decisions import decision
from mads.recall.files import File, read
from mads.recall.kinds import Kind, kind_of
from mads.recall.logs import passages, shared
from mads.recall.words import apart
from mads.store.sqlite import Connection, transaction

Piece = tuple[Chunk, str]
"""A chunk and whose it is: a tenant's, or "" for all."""

BY_WORDS_ALONE: frozenset[Kind] = frozenset({"log", "metric"})
"""What gets no vector: there is a lot of it, it changes all the time, and it is looked for by its words."""

_ADD = """
INSERT INTO chunks (path, kind, tenant, first, last, symbol, changed_ns, digest, has_vector, text)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 OR EXISTS (SELECT 1 FROM vectors WHERE digest = ?8), ?10)
"""


def index(db: Connection, folder: Path, files: Iterable[File]) -> None:
    """Let the index hold what `files` of `folder` say now, in place of what they said before."""
    said = [(file, read(folder, file.path)) for file in files]
    divided = [(file, text, list(cut(file.path, text or ""))) for file, text in said]
    with transaction(db):
        for file, text, pieces in divided:
            kind = kind_of(file.path)
            for piece, tenant in _renew(db, file.path, pieces):
                add(db, piece, kind, file.changed_ns, tenant)
            if kind == "decision":
                _decide(db, file.path, text or "")
            db.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, TRUE, ?)", (*file, text is not None))


def add(db: Connection, chunk: Chunk, kind: Kind, changed_ns: int, tenant: str = "") -> None:
    """Let the index hold `chunk`, which belongs to `tenant`, or to all; in a transaction of the caller's."""
    path, first, last, symbol, text = chunk
    row = (path, kind, tenant, first, last, symbol, changed_ns, _digest(chunk), kind in BY_WORDS_ALONE, text)
    db.execute(_ADD, row)
    db.execute(
        "INSERT INTO words (rowid, symbol, path, text) VALUES (?, ?, ?, ?)",
        (db.last_insert_rowid(), apart(symbol), apart(path), apart(text)),
    )


def cut(path: str, text: str) -> Iterator[Piece]:
    """Return the chunks of a file, and whose each is: a tenant's, or "" for all."""
    match kind_of(path):
        case "log":
            return passages(path, text)
        case "metric":
            return passages(path, text) if '"tenant"' in text else chain.from_iterable(map(shared, chunks(path, text)))
        case _:
            return ((chunk, "") for chunk in chunks(path, text))


def spoken(symbol: str, text: str) -> str:
    """Return what a chunk's vector is made of: its text, below its name where the text does not say that by itself."""
    return text if symbol in text else f"{symbol}\n{text}"


def _renew(db: Connection, path: str, pieces: Sequence[Piece]) -> list[Piece]:
    """Forget what `path` no longer says; return those of `pieces` that are new: of a log that grew, its end."""
    held = db.execute("SELECT id, first, last, symbol, tenant, digest FROM chunks WHERE path = ?", (path,)).fetchall()
    known = {tuple(said): int(id_) for id_, *said in held}
    new: list[Piece] = []
    for piece in pieces:
        chunk, tenant = piece
        if known.pop((chunk.first, chunk.last, chunk.symbol, tenant, _digest(chunk)), None) is None:
            new.append(piece)
    _forget(db, known.values())
    db.execute("DELETE FROM decisions WHERE path = ?", (path,))
    return new


def remove(db: Connection, paths: Iterable[str]) -> None:
    """Let the index forget the files at `paths`."""
    with transaction(db):
        for path in paths:
            _renew(db, path, [])
            db.execute("DELETE FROM files WHERE path = ?", (path,))


def _forget(db: Connection, ids: Iterable[int]) -> None:
    for id_ in ids:
        db.execute("DELETE FROM chunks WHERE id = ?", (id_,))
        db.execute("DELETE FROM words WHERE rowid = ?", (id_,))


def _digest(chunk: Chunk) -> bytes:
    """Return what stands for what a chunk says, wherever that is."""
    return hashlib.sha256(spoken(chunk.symbol, chunk.text).encode(errors="replace")).digest()[:16]


def _decide(db: Connection, path: str, text: str) -> None:
    number, title, status, affects, supersedes = decision(path, text)
    db.execute(
        "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?)",
        (path, number, title, status, json.dumps(affects), json.dumps(supersedes)),
    )
