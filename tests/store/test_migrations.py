"""A schema goes forth and back: the same steps make the same database, and a step that fails leaves no trace."""

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, cast

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads.store.kept import open_rows
from mads.store.migrations import Migration, down, plan, read, shipped, up
from mads.store.migrations.rehearsal import rehearse
from mads.store.migrations.upgrade import upgrade
from mads.store.sqlite import Connection, Value, connect
from mads.wire.errors import StoreError

COVERS = ("R-140", "R-150")


def in_memory() -> Connection:
    return cast("Connection", apsw.Connection(":memory:"))


def step(number: int, do: str, undo: str) -> Migration:
    return Migration(f"{number:04}", f"{number:04}_step.sql", do, undo, checksum=f"{do}{undo}")


def tables(connection: Connection) -> list[str]:
    found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall()
    return [name for (name,) in found if not name.startswith(("schema_", "sqlite_"))]


def fingerprint(connection: Connection) -> Any:
    """Return the whole schema and all rows, but for the list of steps."""
    of_ours = "tbl_name <> 'schema_migrations' AND name NOT LIKE 'sqlite_%'"
    schema = connection.execute(f"SELECT sql FROM sqlite_schema WHERE {of_ours} ORDER BY name")  # noqa: S608
    rows = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables(connection)}  # noqa: S608
    return schema.fetchall(), rows


def fill(connection: Connection) -> None:
    """Put three rows into every table, whatever its columns are to hold."""
    connection.execute("PRAGMA ignore_check_constraints = ON")
    for table in tables(connection):
        columns = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,)).fetchall()
        ((schema,),) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchall()
        allowed = dict(re.findall(r"CHECK \((\w+) IN \('(\w+)'", schema))
        marks = ", ".join("?" * len(columns))
        for number in range(1, 4):
            value: dict[str, Value] = {"INTEGER": number, "TEXT": f"{number}", "BLOB": b"%d" % number}
            row = [allowed.get(name, value[type_]) for name, type_ in columns]
            connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608


@pytest.mark.parametrize("count", range(len(shipped())))
def test_each_shipped_step_can_be_taken_undone_and_taken_again(count: int) -> None:
    connection, known = in_memory(), shipped()[: count + 1]
    up(connection, known[:-1])
    fill(connection)
    before = fingerprint(connection)
    assert up(connection, known) == known[-1:]
    after = fingerprint(connection)
    assert after != before
    assert down(connection, known) == known[-1]
    assert fingerprint(connection) == before
    assert up(connection, known) == known[-1:]
    assert fingerprint(connection) == after


WALK = [
    step(
        1,
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO notes VALUES (1, 'a')",
        "DROP TABLE notes",
    ),
    step(2, "ALTER TABLE notes ADD COLUMN stars INTEGER DEFAULT 3", "ALTER TABLE notes DROP COLUMN stars"),
    step(3, "UPDATE notes SET stars = stars * 2", "UPDATE notes SET stars = stars / 2"),
    step(4, "CREATE TABLE tags (name TEXT); CREATE INDEX tag ON tags (name)", "DROP TABLE tags"),
]


@given(st.lists(st.integers(0, len(WALK)), max_size=8))
def test_wherever_it_comes_from_a_version_is_the_same(visits: list[int]) -> None:
    connection, seen, at = in_memory(), {0: fingerprint(in_memory())}, 0
    for version in visits:
        if version >= at:
            assert up(connection, WALK[:version]) == WALK[at:version]
        for undone in reversed(WALK[version:at]):
            assert down(connection, WALK) == undone
        at = version
        assert seen.setdefault(version, fingerprint(connection)) == fingerprint(connection)
        assert plan(connection, WALK) == WALK[version:]


def test_there_is_nothing_to_undo_in_a_new_database() -> None:
    assert down(in_memory(), WALK) is None


def test_a_step_that_fails_leaves_no_trace_and_those_before_it_stand() -> None:
    connection = in_memory()
    good, bad = WALK[0], step(2, "CREATE TABLE half (x); INSERT INTO nowhere VALUES (1)", "DROP TABLE half")
    with pytest.raises(StoreError, match=r"0002_step\.sql: SQLite refuses \(no such table: nowhere\)"):
        up(connection, [good, bad])
    assert tables(connection) == ["notes"]
    assert plan(connection, [good, bad]) == [bad]


def test_every_statement_of_a_step_is_executed_whatever_the_first_one_finds() -> None:
    connection = in_memory()
    known = [step(1, "SELECT 1; CREATE TABLE notes (text)", "SELECT 1; DROP TABLE notes")]
    up(connection, known)
    assert tables(connection) == ["notes"]
    down(connection, known)
    assert tables(connection) == []


def test_two_who_open_a_database_at_once_take_each_step_once(tmp_path: Path) -> None:
    connections = [connect(tmp_path / "store.sqlite") for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        taken = list(threads.map(partial(up, known=WALK), connections))
    assert sorted(step.version for each in taken for step in each) == [step.version for step in WALK]


async def test_a_database_of_a_newer_mads_is_refused(tmp_path: Path) -> None:
    connection = connect(tmp_path / "store.sqlite")
    up(connection, [*shipped(), step(9999, "CREATE TABLE future (x)", "DROP TABLE future")])
    with pytest.raises(StoreError, match=r"store\.sqlite was used by a newer mads .*step 9999.*; update mads"):
        await open_rows(tmp_path / "store.sqlite")
    assert "future" in tables(connection)
    connection.close()


def test_a_step_that_was_edited_after_it_was_taken_is_refused() -> None:
    connection = in_memory()
    up(connection, WALK)
    edited = [*WALK[:1], step(2, "ALTER TABLE notes ADD COLUMN stars TEXT", "SELECT 1"), *WALK[2:]]
    for use in (plan, up, down):
        with pytest.raises(StoreError, match=r"0002_step\.sql was edited .* write the change as the next file"):
            use(connection, edited)


def test_a_step_that_would_come_too_late_is_refused() -> None:
    connection = in_memory()
    up(connection, [WALK[0], WALK[3]])
    with pytest.raises(StoreError, match=r"0002_step\.sql comes before 0004, .* give it a higher number"):
        up(connection, WALK)


def test_steps_are_read_from_files_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "0002_stars.sql").write_text("-- migrate:up\nB;\n\n-- migrate:down\nC;\n")
    (tmp_path / "0001_notes.sql").write_text("-- migrate:up\r\nA;\r\n-- migrate:down\r\nD;\r\n", newline="")
    (tmp_path / "README.md").touch()
    assert [(found.version, found.up, found.down) for found in read(tmp_path)] == [
        ("0001", "A;\n", "D;\n"),
        ("0002", "B;\n\n", "C;\n"),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("notes.sql", "-- migrate:up\nA;\n-- migrate:down\nB;\n"),
        ("0001_notes.sql", "CREATE TABLE notes (text);\n"),
        ("0001_notes.sql", "-- migrate:up\nA;\n"),
        ("0001_notes.sql", "-- migrate:up\nA;\n-- migrate:down\n\n"),
        ("0001_notes.sql", "-- migrate:up transaction:false\nA;\n-- migrate:down\nB;\n"),
    ],
)
def test_a_file_that_is_no_step_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(StoreError, match=r"is no migration; name it NNNN_what_it_does\.sql and write"):
        read(tmp_path)


def test_two_steps_of_one_number_are_refused(tmp_path: Path) -> None:
    for name in ("0001_notes.sql", "0001_tags.sql"):
        (tmp_path / name).write_text("-- migrate:up\nA;\n-- migrate:down\nB;\n")
    with pytest.raises(StoreError, match=r"0001_notes\.sql and 0001_tags\.sql have one number"):
        read(tmp_path)


def test_a_step_may_say_that_it_is_lossy_and_why(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("-- migrate:up\n-- mads:lossy nobody reads it\nA;\n-- migrate:down\nB;\n")
    assert [found.lossy for found in read(tmp_path)] == ["nobody reads it"]
    (tmp_path / "0001_a.sql").write_text("-- migrate:up\n-- mads:lossy\nA;\n-- migrate:down\nB;\n")
    with pytest.raises(StoreError, match="is lossy without a reason; write `-- mads:lossy` and why"):
        read(tmp_path)


@pytest.mark.parametrize("statement", ["COMMIT", "begin immediate", "VACUUM", "ROLLBACK TO a"])
def test_a_step_that_would_leave_its_own_transaction_is_refused(tmp_path: Path, statement: str) -> None:
    (tmp_path / "0001_a.sql").write_text(f"-- migrate:up\nA;\n-- migrate:down\nB; {statement};\n")
    with pytest.raises(StoreError, match=f"runs in a transaction of its own; take out '{statement}'"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("by_hand", "named"),
    [
        ("DROP INDEX kept_by_field", "index kept_by_field"),
        ("ALTER TABLE commands RENAME TO orders", "table commands"),
        ("CREATE TABLE mine (id INTEGER)", "table mine"),
        ("ALTER TABLE kept ADD COLUMN mine TEXT", "table kept"),
    ],
)
def test_a_schema_that_was_changed_by_hand_is_refused(tmp_path: Path, by_hand: str, named: str) -> None:
    path = tmp_path / "store.sqlite"
    assert [upgrade(path, shipped())[0] for _ in range(2)] == [list(shipped()), []]
    changing = connect(path)
    list(changing.execute(by_hand))
    changing.close()
    for look in (upgrade, rehearse):
        with pytest.raises(StoreError, match=f"{named}.*changed it by hand"):
            look(path, shipped())
