"""An export is the record, byte for byte, wherever it is taken; a dataset says the same of the same record.

Covers any record, and what is wrong with a line. Does not cover the command line.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mads import InvalidMessage
from mads.host.history import transfer
from mads.host.history.capture import HostCapture
from mads.host.history.retention import Sweeper
from mads.host.writing import Retention
from mads.store.database import READERS, Database
from mads.store.record.capture import STEP, Part, SqliteCapture
from mads.store.record.conversations import SqliteConversations
from mads.store.record.port import Batch
from mads.store.record.sqlite import SqliteRecord
from mads.store.record.upkeep import SqliteUpkeep
from mads.wire import codec
from mads.wire.call import Call, Identity, current
from mads.wire.conversation import LABELS, Taken
from mads.wire.errors import StoreError
from mads.wire.record import Decision, Entry, address

COVERS = ("R-055", "R-056", "R-150")

SAY = "mads.steward.say"
Recorded = tuple[Entry, dict[bytes, bytes]]
Marked = tuple[int, str]


async def nothing() -> None:
    """Have nothing to write."""


async def whole(before: int) -> bool:
    """Have no audit to cut."""
    return before < 0


@asynccontextmanager
async def opened(folder: Path) -> AsyncGenerator[tuple[HostCapture, Database]]:
    """Open a record in `folder`, asked by the operator."""
    call = Call(subject="mads.steward.x", body=None, id="1", deadline=0.0, identity=Identity("operator"))
    token = current.set(call)
    database = await Database.open(folder / "store.sqlite")
    store = SqliteConversations(database, SAY)
    sweeper = Sweeper(Retention("never", "never", "never"), SqliteUpkeep(database, SAY), whole)
    try:
        yield HostCapture(SqliteCapture(database), store, sweeper, nothing, lambda: 0), database
    finally:
        await database.close()
        current.reset(token)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
words = st.sampled_from(["", "a", "b", "42"])
numbers = st.integers(0, 2**62 - 1)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | texts | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
bodies = st.none() | values.map(codec.encode) | st.binary(min_size=1, max_size=40)


@st.composite
def recorded(draw: st.DrawFn) -> Recorded:
    """Return any row that could have been recorded, and its bodies."""
    asked, answered = draw(bodies), draw(bodies)
    entry = Entry(
        kind=draw(st.sampled_from(["call", "event", "timer", "command", "prose", "model", "refused"])),
        id=draw(st.sampled_from(["i", "j", "k", "l"])),
        cause=draw(st.none() | st.sampled_from(["i", "j", "k"])),
        subject=draw(st.sampled_from([SAY, "mads.a.chat", "mads.steward.ps", "event.x.Y.v1"])),
        mad=draw(words),
        principal=draw(texts),
        tenant=draw(words),
        conversation=draw(st.none() | words.filter(bool)),
        trace=draw(words),
        at_us=draw(numbers | st.integers(0, 3)),
        took_us=draw(st.integers(0, 5)),
        attempt=draw(st.integers(1, 3)),
        key=draw(st.none() | texts),
        outcome=draw(st.sampled_from(["ok", "failed"])),
        why=draw(texts),
        cost=draw(st.integers(0, 10**9)),
        notes=draw(st.none() | texts),
        asked=b"" if asked is None else address(asked),
        answered=b"" if answered is None else address(answered),
        chain=tuple(draw(st.lists(words, max_size=2))),
        decisions=tuple(draw(st.lists(st.builds(Decision, texts, st.booleans(), texts), max_size=1))),
    )
    return entry, {address(body): body for body in (asked, answered) if body is not None and len(body) >= 32}


def place(row: Recorded) -> tuple[str, str, int]:
    return (row[0].id, row[0].mad, row[0].attempt)


records = st.lists(recorded(), max_size=8, unique_by=place)
marks = st.lists(st.tuples(st.integers(0, 7), st.sampled_from(LABELS)), max_size=4)


async def written(database: Database, rows: Sequence[Recorded], labels: Sequence[Marked]) -> None:
    """Write rows one by one, and label those of conversations by their numbers."""
    for entry, kept in rows:
        await SqliteRecord(database).add(partial(Batch, [entry], kept))
    for number, label in labels:
        if number < len(rows) and (conversation := rows[number][0].conversation):
            scope = (rows[number][0].tenant, conversation)
            await SqliteConversations(database, SAY).label(scope, place(rows[number]), label, "ana", number)


async def exported(capture: HostCapture, path: Path) -> bytes:
    text = "".join([f"{line}\n" async for line in capture.export("", tenant="", to="")]).encode()
    await asyncio.to_thread(path.write_bytes, text)
    return text


async def digest(capture: HostCapture) -> str:
    return sha256("\n".join([line async for line in capture.dataset(since="", to="")]).encode()).hexdigest()


@pytest.mark.slow
@settings(max_examples=60)
@given(rows=records, labels=marks, seed=st.integers())
async def test_any_record_comes_back_from_its_export_with_the_same_dataset(
    rows: list[Recorded], labels: list[Marked], seed: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with opened(folder / "one") as (capture, database):
            await written(database, rows, labels)
            first = await exported(capture, folder / "first.jsonl")
            learnt = await digest(capture)
            assert await capture.take(str(folder / "first.jsonl")) == Taken(0, len(rows))
            assert await exported(capture, folder / "again.jsonl") == first
        async with opened(folder / "two") as (capture, _):
            assert await capture.take(str(folder / "first.jsonl")) == Taken(len(rows), 0)
            assert await exported(capture, folder / "second.jsonl") == first
            assert await digest(capture) == learnt
        async with opened(folder / "three") as (capture, database):
            order = list(enumerate(rows))
            random.Random(seed).shuffle(order)  # noqa: S311  nobody is to be kept from guessing
            where = {old: new for new, (old, _) in enumerate(order)}
            await written(database, [row for _, row in order], [])
            await written(database, [], [])
            for number, label in labels:
                if number < len(rows) and (conversation := rows[number][0].conversation):
                    scope = (rows[number][0].tenant, conversation)
                    store = SqliteConversations(database, SAY)
                    await store.label(scope, place(order[where[number]][1]), label, "ana", number)
            assert await digest(capture) == learnt


ROW = Entry(kind="call", id="i", subject="mads.a.b", mad="a", principal="ana", tenant="default", at_us=1, outcome="ok")


async def lines_of(folder: Path) -> list[bytes]:
    """Return the lines of an export of three rows."""
    async with opened(folder) as (capture, database):
        rows: list[Recorded] = [(msgspec.structs.replace(ROW, id=id_), {}) for id_ in "ijk"]
        await written(database, rows, [])
        return (await exported(capture, folder / "export.jsonl")).splitlines(keepends=True)


HELD = b'{"hold":{"tenant":"t","conversation":"42","why":"case 7","author":"ana","at_us":1}}\n'

Edit = Callable[[list[bytes]], list[bytes]]
"""Makes of the lines of an export those of a wrong one."""

WRONG: list[tuple[Edit, int, str]] = [
    (lambda lines: [lines[0].replace(b"5", b"6"), *lines[1:]], 1, "version 6, and what can be read is"),
    (lambda lines: lines[1:], 1, "this is no export: its first line should be"),
    (lambda lines: [*lines[:2], b"{\n", *lines[3:]], 3, "Input data was truncated"),
    (lambda lines: [*lines[:2], b"\xff\n", *lines[3:]], 3, "invalid"),
    (lambda lines: [*lines[:3], lines[3].replace(b'"call"', b'"cull"'), lines[4]], 4, "Invalid enum value 'cull'"),
    (lambda lines: [*lines[:3], lines[3].replace(b'"cost":0', b'"cost":-1'), lines[4]], 4, "cost is -1"),
    (lambda lines: [*lines[:3], lines[3].replace(b'"cost"', b'"coast"'), lines[4]], 4, "an entry has no 'coast'"),
    (lambda lines: lines[:-1], 5, "it was cut off"),
    (lambda lines: [*lines[:2], *lines[3:]], 4, "4 lines should stand above this one, and 3 do"),
    (lambda lines: [*lines[:2], lines[2].replace(b'"ana"', b'"bob"'), *lines[3:]], 5, "not as they were written"),
    (lambda lines: [*lines[:4], b'{"lines":4}\n'], 5, "not as they were written"),
    (lambda lines: [*lines, lines[1]], 6, "nothing may follow"),
    (lambda lines: [*lines[:2], HELD.replace(b"case 7", b" ")], 3, "it does not say why the conversation is held"),
    (lambda _: [], 1, "it was cut off"),
]
"""What is wrong, on which line, and what is said of it."""


@pytest.mark.parametrize(("wrong", "line", "told"), WRONG)
async def test_a_wrong_line_is_named_and_nothing_is_taken(wrong: Edit, line: int, told: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_bytes(b"".join(wrong(await lines_of(tmp_path / "one"))))
    async with opened(tmp_path / "two") as (capture, _):
        with pytest.raises(InvalidMessage) as raised:
            await capture.take(str(path))
        assert str(raised.value).startswith(f"line {line}: ")
        assert told in str(raised.value)
        assert "nothing was imported" in str(raised.value)
        assert (await capture.stats()).rows == 0


async def test_a_file_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    async with opened(tmp_path) as (capture, _):
        with pytest.raises(InvalidMessage, match="No such file"):
            await capture.take(str(tmp_path / "nowhere.jsonl"))


async def test_what_has_no_end_is_no_export(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    async with opened(tmp_path) as (capture, _):
        for path in ("/dev/zero", str(tmp_path / "pipe"), str(tmp_path), "a\0b"):
            with pytest.raises(InvalidMessage, match=r"is no file; write that of an export|null"):
                await capture.take(path)


@pytest.mark.parametrize(("name", "most", "told"), [("MOST", 3, "3 lines at most"), ("LONGEST", 99, "than the 99")])
async def test_an_import_has_bounds(
    name: str, most: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "all.jsonl").write_bytes(b"".join(await lines_of(tmp_path / "one")))
    monkeypatch.setattr(transfer, name, most)
    async with opened(tmp_path / "two") as (capture, _):
        with pytest.raises(InvalidMessage, match=f"{told}.*nothing was imported"):
            await capture.take(str(tmp_path / "all.jsonl"))
        assert (await capture.stats()).rows == 0


async def test_what_is_held_is_held_wherever_it_is_taken(tmp_path: Path) -> None:
    row = msgspec.structs.replace(ROW, conversation="42")
    async with opened(tmp_path / "one") as (capture, database):
        await written(database, [(row, {})], [])
        await SqliteConversations(database, SAY).hold(("default", "42"), "case 7", "ana", 1)
        await exported(capture, tmp_path / "held.jsonl")
    async with opened(tmp_path / "two") as (capture, database):
        assert await capture.take(str(tmp_path / "held.jsonl")) == Taken(1, 0)
        assert await SqliteUpkeep(database, SAY).erase(("default", "42"), lambda _: b"") == "case 7"
        assert (await capture.stats()).held == 1


async def test_an_export_of_an_earlier_version_is_taken(tmp_path: Path) -> None:
    head, *lines, _ = await lines_of(tmp_path / "one")
    (tmp_path / "old.jsonl").write_bytes(b"".join([head.replace(b"5", b"1"), *lines, b'{"lines":4}\n']))
    async with opened(tmp_path / "two") as (capture, _):
        assert await capture.take(str(tmp_path / "old.jsonl")) == Taken(3, 0)


async def test_an_import_that_was_cut_short_goes_on_where_the_same_is_taken_again(tmp_path: Path) -> None:
    rows = [(msgspec.structs.replace(ROW, id=f"i-{number}"), dict[bytes, bytes]()) for number in range(3 * STEP)]

    def cut() -> Iterator[Part]:
        yield from rows[: 2 * STEP + 1]
        raise StoreError("the disk is full")

    async with opened(tmp_path) as (_, database):
        with pytest.raises(StoreError, match="the disk is full"):
            await SqliteCapture(database).take(cut())
        assert await SqliteCapture(database).take(iter(rows)) == (STEP, 2 * STEP)


async def test_who_reads_a_little_does_not_wait_for_whoever_reads_all(tmp_path: Path) -> None:
    go = threading.Event()
    async with opened(tmp_path) as (_, database):
        scans = [asyncio.create_task(database.scan(lambda _: go.wait(10))) for _ in range(2 * READERS)]
        async with asyncio.timeout(5):
            assert await database.read(lambda connection: connection.execute("SELECT 1").fetchall()) == [(1,)]
        assert not any(scan.done() for scan in scans)
        go.set()
        assert all(await asyncio.gather(*scans))


async def test_each_tenant_is_told_of_its_own_rows_only(tmp_path: Path) -> None:
    async with opened(tmp_path) as (capture, database):
        rows: list[Recorded] = [
            (msgspec.structs.replace(ROW, id=id_, trace="t", tenant=tenant, conversation=tenant, principal=tenant), {})
            for id_, tenant in (("i", "acme"), ("j", "acme"), ("k", "globex"))
        ]
        await written(database, rows, [(0, "approved"), (2, "corrected")])
        everything = await capture.stats()
        assert (everything.rows, everything.conversations, everything.by_hand) == (3, 2, 2)
        assert everything.file_bytes > 0
        call = Call(subject="mads.steward.x", body=None, id="1", deadline=0.0, identity=Identity("bo", "globex"))
        token = current.set(call)
        theirs = await capture.stats()
        assert (theirs.rows, theirs.conversations, theirs.labels, theirs.file_bytes) == (1, 1, {"corrected": 1}, 0)
        seen = [
            *[line async for line in capture.dataset(since="", to="")],
            *[line async for line in capture.export("", tenant="", to="")],
        ]
        current.reset(token)
    assert len([line for line in seen if "globex" in line]) == 3
    assert not any("acme" in line for line in seen)
