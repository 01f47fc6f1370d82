"""A step is tried on a copy: what undoing it does not bring back is found, counted and named, and nothing else is.

Covers the fingerprints, the rehearsal forth and back, what is destructive by its text, and that the original stays as
it is. Does not cover the command line: tests/cli/test_migrate.py does.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from mads.store.migrations import Migration, shipped, up
from mads.store.migrations.destructive import destructive
from mads.store.migrations.rehearsal import rehearse, rehearse_down
from mads.store.migrations.upgrade import upgrade
from mads.store.sqlite import connect
from mads.wire.errors import StoreError
from tests.store.test_migrations import fill, step, tables

COVERS = ("R-140", "R-141", "R-150")

NOTES = step(
    1,
    "CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT, stars INTEGER, text TEXT) STRICT; CREATE TABLE tags (x)",
    "DROP TABLE notes; DROP TABLE tags",
)
FORGET = Migration("0002", "0002_forget.sql", "DELETE FROM notes", "SELECT 1", "checksum", lossy="nobody reads them")


class Part(Struct, frozen=True):
    """A part of a step: what it does, what undoes it, and how many of so many notes that loses."""

    up: str
    down: str
    loses: float = 0.0


EXACT = (
    Part("CREATE TABLE pages (id INTEGER PRIMARY KEY)", "DROP TABLE pages"),
    Part("ALTER TABLE notes ADD COLUMN mood TEXT DEFAULT 'calm'", "ALTER TABLE notes DROP COLUMN mood"),
    Part("UPDATE notes SET stars = stars + 7", "UPDATE notes SET stars = stars - 7"),
    Part("CREATE INDEX by_id ON notes (id)", "DROP INDEX by_id"),
    Part("ALTER TABLE notes RENAME COLUMN text TO body", "ALTER TABLE notes RENAME COLUMN body TO text"),
    Part("INSERT INTO tags VALUES (1.5), (x'00'), (NULL)", "DELETE FROM tags WHERE x IS NULL OR x IN (1.5, x'00')"),
)
LOSSY = (
    Part("DELETE FROM notes", "SELECT 1", loses=1),
    Part("UPDATE notes SET stars = 0", "SELECT 1", loses=1),
    Part("DELETE FROM notes WHERE id % 2 = 0", "SELECT 1", loses=0.5),
    Part("ALTER TABLE notes DROP COLUMN stars", "ALTER TABLE notes ADD COLUMN stars INTEGER", loses=1),
    Part("UPDATE notes SET text = text || '!' WHERE id % 2 = 0", "SELECT 1", loses=0.5),
)


def database(folder: Path, known: Sequence[Migration] = (NOTES,), *, notes: int = 0) -> Path:
    """Make a database that has taken `known`, with so many notes."""
    path = folder / "store.sqlite"
    with closing(connect(path)) as connection:
        up(connection, known)
        for number in range(1, notes + 1):
            connection.execute("INSERT INTO notes (stars, text) VALUES (?, ?)", (number, f"note {number}"))
    return path


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(parts=st.permutations(EXACT).flatmap(lambda all_: st.integers(0, 3).map(lambda n: all_[:n])), data=st.data())
def test_every_planted_loss_is_found_and_counted_and_what_is_exact_is_not_blamed(
    parts: list[Part], data: st.DataObject
) -> None:
    notes = 2 * data.draw(st.integers(1, 5), "pairs of notes")
    planted = data.draw(st.none() | st.sampled_from(LOSSY), "loss")
    if planted is not None:
        parts = [planted, *(part for part in parts if "RENAME" not in part.up and "stars" not in part.up)]
    tried = step(2, ";\n".join(part.up for part in parts) or "SELECT 1", _undoing(parts) or "SELECT 1")
    with tempfile.TemporaryDirectory() as folder:
        path = database(Path(folder), notes=notes)
        before = path.read_bytes()
        (found,) = rehearse(path, [NOTES, tried])
        assert path.read_bytes() == before
        assert [file.name for file in Path(folder).iterdir()] == [path.name]
    assert found.lost.rows == ({"notes": notes * planted.loses} if planted else {})
    assert bool(found.refused) == bool(planted)


def _undoing(parts: Sequence[Part]) -> str:
    return ";\n".join(part.down for part in reversed(parts))


def test_a_loss_is_named_with_its_table_and_how_many_rows_differ(tmp_path: Path) -> None:
    gone = step(2, "DELETE FROM notes WHERE id > 3", "SELECT 1")
    (found,) = rehearse(database(tmp_path, notes=5), [NOTES, gone])
    assert "0002_step.sql is lossy and does not say so: undoing it does not bring back 2 rows of notes" in found.refused
    assert found.destructive == ("DELETE FROM notes WHERE id > 3",)
    assert min(found.up_ms, found.down_ms, found.again_ms) > 0


def test_a_loss_that_is_declared_is_told_and_not_refused(tmp_path: Path) -> None:
    (found,) = rehearse(database(tmp_path, notes=5), [NOTES, FORGET])
    assert found.lost.rows == {"notes": 5}
    assert found.refused == ""


def test_a_table_that_is_rebuilt_loses_the_counter_of_its_ids(tmp_path: Path) -> None:
    rebuilt = step(
        2,
        "CREATE TABLE n (id INTEGER PRIMARY KEY AUTOINCREMENT, stars INTEGER, text TEXT) STRICT;"
        "INSERT INTO n SELECT * FROM notes; DROP TABLE notes; ALTER TABLE n RENAME TO notes",
        "SELECT 1",
    )
    path = database(tmp_path, notes=5)
    with closing(connect(path)) as connection:
        assert rehearse(path, [NOTES, rebuilt])[0].refused == ""
        connection.execute("DELETE FROM notes WHERE id = 5")
    (found,) = rehearse(path, [NOTES, rebuilt])
    assert found.lost.rows == {"the counters of ids": 1}


def test_a_definition_that_does_not_come_back_is_named(tmp_path: Path) -> None:
    path = database(tmp_path, [NOTES, step(2, "CREATE INDEX stars ON notes (stars)", "DROP INDEX stars")], notes=2)
    known = [NOTES, step(2, "CREATE INDEX stars ON notes (stars)", "DROP INDEX stars")]
    (found,) = rehearse(path, [*known, step(3, "DROP INDEX stars", "CREATE INDEX stars ON notes (text)")])
    assert found.lost.schema == ("index stars",)


def test_how_a_definition_is_written_does_not_count(tmp_path: Path) -> None:
    tidy = step(2, 'DROP TABLE tags; CREATE TABLE "tags" (  x ) /* tidy */', "SELECT 1")
    assert rehearse(database(tmp_path), [NOTES, tidy])[0].refused == ""


def test_a_step_that_differs_when_it_is_taken_again_is_refused(tmp_path: Path) -> None:
    drawn = step(2, "INSERT INTO tags VALUES (random())", "DELETE FROM tags")
    (found,) = rehearse(database(tmp_path), [NOTES, drawn])
    assert not found.lost
    assert "taken again it differs: 1 row of tags" in found.refused


def test_a_copy_is_of_one_moment_and_holds_what_is_only_in_the_log(tmp_path: Path) -> None:
    path = database(tmp_path)
    with closing(connect(path)) as writer:
        writer.execute("INSERT INTO notes (text) VALUES ('in the log')")
        before = {file.name: file.read_bytes() for file in tmp_path.iterdir() if not file.name.endswith("-shm")}
        (found,) = rehearse(path, [NOTES, step(2, "DELETE FROM notes", "SELECT 1")])
        assert found.lost.rows == {"notes": 1}
        writer.execute("BEGIN IMMEDIATE; INSERT INTO notes (text) VALUES ('not yet')")
        assert rehearse(path, [NOTES, step(2, "DELETE FROM notes", "SELECT 1")])[0].lost.rows == {"notes": 1}
        writer.execute("ROLLBACK")
        after = {file.name: file.read_bytes() for file in tmp_path.iterdir() if not file.name.endswith("-shm")}
        assert after[path.name] == before[path.name]


def test_what_undoing_a_step_would_lose_is_told_before(tmp_path: Path) -> None:
    stars = step(2, "ALTER TABLE notes ADD COLUMN mood TEXT", "ALTER TABLE notes DROP COLUMN mood")
    path = database(tmp_path, [NOTES, stars], notes=3)
    assert not rehearse_down(path, [NOTES, stars], 1)[0].lost
    with closing(connect(path)) as connection:
        connection.execute("UPDATE notes SET mood = 'calm' WHERE id < 3")
    mood, notes = rehearse_down(path, [NOTES, stars], 2)
    assert mood.lost.rows == {"notes": 2}
    assert notes.lost.rows == {"notes": 3, "the counters of ids": 1}


def test_a_step_that_fails_is_told_with_the_path_of_the_original(tmp_path: Path) -> None:
    path = database(tmp_path)
    with pytest.raises(StoreError, match=rf"{path}: 0002_step\.sql: SQLite refuses"):
        rehearse(path, [NOTES, step(2, "INSERT INTO nowhere VALUES (1)", "SELECT 1")])


def test_a_damaged_database_is_not_rehearsed(tmp_path: Path) -> None:
    path = database(tmp_path, notes=2000)
    content = bytearray(path.read_bytes())
    content[8192:12288] = bytes(4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="it is damaged; move it out of the way or put a copy back"):
        rehearse(path, [NOTES])


@pytest.mark.parametrize("count", range(len(shipped())))
def test_no_shipped_step_loses_what_three_rows_in_each_table_hold(tmp_path: Path, count: int) -> None:
    known = shipped()[: count + 1]
    path = database(tmp_path, known[:-1])
    with closing(connect(path)) as connection:
        fill(connection)
    (found,) = rehearse(path, known)
    assert found.refused == ""


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def test_a_lossy_step_that_says_nothing_keeps_a_system_from_starting(tmp_path: Path) -> None:
    path = database(tmp_path, notes=2)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"0002_step\.sql is lossy and does not say so"):
        upgrade(path, [NOTES, step(2, "DELETE FROM notes", "SELECT 1")])
    assert path.read_bytes() == before


def test_before_a_lossy_step_is_taken_at_start_a_copy_is_made(tmp_path: Path) -> None:
    path = database(tmp_path, notes=2)
    upgrade(path, [NOTES, FORGET])
    copies = [file for file in files(tmp_path) if file.name == "store.sqlite.before-0002.1"]
    counted: list[int] = []
    for file in (path, *copies):
        with closing(connect(file)) as connection:
            counted += (count for (count,) in connection.execute("SELECT count(*) FROM notes"))
    assert counted == [0, 2]
    assert copies[0].stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_where_there_is_no_room_for_the_copy_the_lossy_step_is_not_taken(tmp_path: Path) -> None:
    path = database(tmp_path, notes=3000)
    words = [sys.executable, "-m", "tests.store.upgrading", str(path)]
    said = subprocess.run(words, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True, timeout=25)
    assert f"{path}: the disk refuses to read or write; make room" in said.stdout
    assert files(tmp_path) == [path]
    with closing(connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM notes").fetchall() == [(3000,)]


def test_an_exact_step_is_taken_at_start_without_a_copy(tmp_path: Path) -> None:
    path = database(tmp_path, notes=2)
    upgrade(path, [NOTES, step(2, "CREATE TABLE pages (x)", "DROP TABLE pages")])
    with closing(connect(path)) as connection:
        assert "pages" in tables(connection)
    assert files(tmp_path) == [path]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("CREATE TABLE a (x); CREATE INDEX i ON a (x); INSERT INTO a VALUES ('DROP TABLE a; DELETE FROM a')", ()),
        ("-- DROP TABLE a\nALTER TABLE a ADD COLUMN y /* UPDATE */", ()),
        ("CREATE TABLE b (x REFERENCES a ON DELETE CASCADE ON UPDATE SET NULL)", ()),
        ("CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; UPDATE c SET x = 1; END; SELECT 1", ()),
        ("drop  table\n a;", ("drop table a",)),
        ("SELECT 1; ALTER TABLE a DROP y; WITH z AS (SELECT 1) DELETE FROM a", 2),
        ("UPDATE a SET x = ';'", ("UPDATE a SET x = ''",)),
        ("INSERT INTO a VALUES (1) ON CONFLICT (x) DO UPDATE SET x = 2; INSERT OR REPLACE INTO a VALUES (1)", 2),
        ("CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END; DROP VIEW v", ("DROP VIEW v",)),
    ],
)
def test_what_takes_away_or_overwrites_is_found_by_its_text(sql: str, found: tuple[str, ...] | int) -> None:
    assert destructive(sql) == found if isinstance(found, tuple) else len(destructive(sql)) == found
