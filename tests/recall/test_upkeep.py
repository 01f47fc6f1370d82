"""An index follows its folder, a piece at a time, whoever does the pieces and whatever happens in between.

Covers changes, interruption, damage and several processes at once. Does not cover a power cut: what it takes is found
missing by the next survey.
"""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mads.host.workers import ProcessWorkers
from mads.recall import files, upkeep
from mads.recall.asking import find
from mads.recall.library import Coverage, Library, with_index
from mads.recall.upkeep import advance, survey
from mads.store.sqlite import Connection

COVERS = ("R-063",)

AT_ONCE = 60.0


@pytest.fixture
def library(tmp_path: Path) -> Library:
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.txt").write_text(f"page {number} speaks of zebras", encoding="utf-8")
    return Library(str(folder), str(tmp_path / "shelf"))


@pytest.fixture(scope="module")
def workers() -> Iterator[ProcessWorkers]:
    workers = ProcessWorkers()
    yield workers
    workers.close()


def page(library: Library, number: int) -> Path:
    return Path(library.folder) / f"{number}.txt"


def found(library: Library, query: str) -> list[str]:
    return sorted(hit.path for hit in find(library, query, 50)[0])


def test_a_survey_notes_what_is_to_be_done_and_the_work_does_it(library: Library) -> None:
    assert survey(library) == Coverage(0, 3)
    assert found(library, "zebra") == []
    assert advance(library, AT_ONCE) == Coverage(3, 3)
    assert survey(library) == Coverage(3, 3)
    assert found(library, "zebra") == ["0.txt", "1.txt", "2.txt"]


def test_what_changed_is_found_and_what_is_gone_is_not(library: Library) -> None:
    survey(library)
    advance(library, AT_ONCE)
    page(library, 0).write_text("now of giraffes", encoding="utf-8")
    page(library, 1).unlink()
    assert found(library, "zebra") == ["0.txt", "2.txt"]
    assert survey(library) == Coverage(1, 3)
    assert advance(library, AT_ONCE) == Coverage(2, 2)
    assert (found(library, "zebra"), found(library, "giraffe")) == (["2.txt"], ["0.txt"])


def test_of_a_log_that_grew_or_slid_on_its_ends_alone_are_indexed_again(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Path(library.folder) / "shop.log"
    seen: list[list[tuple[object, ...]]] = []
    for count in (400, 401, 480):
        log.write_text("".join(f"line {number:05}: sold\n" for number in range(count)), encoding="utf-8")
        survey(library)
        advance(library, AT_ONCE)
        seen.append(with_index(library, passages))
        monkeypatch.setattr(upkeep, "REST", 0)
        monkeypatch.setattr(files, "MAX_BYTES", 17 * 450)
    first, grown, slid = (set(each) for each in seen)
    assert (len(first - grown), len(grown - first)) == (1, 1)
    assert len(grown & slid) == len(grown) - 2  # the last, and the first, of which less is read
    assert found(library, "00479") == ["shop.log"]
    assert found(library, "00001") == []


def passages(db: Connection) -> list[tuple[object, ...]]:
    return list(db.execute("SELECT id, first, last FROM chunks WHERE path = 'shop.log'").fetchall())


def test_a_file_that_turned_binary_is_forgotten_and_not_read_again(library: Library) -> None:
    survey(library)
    advance(library, AT_ONCE)
    page(library, 0).write_bytes(b"zebra\0")
    survey(library)
    assert advance(library, AT_ONCE) == Coverage(3, 3) == survey(library)
    assert found(library, "zebra") == ["1.txt", "2.txt"]


def test_a_file_that_cannot_be_read_is_counted_and_a_binary_one_is_not(library: Library) -> None:
    page(library, 0).write_bytes("Zebras, à la carte".encode("latin-1"))
    page(library, 1).write_bytes(b"zebra\0")
    survey(library)
    assert advance(library, AT_ONCE) == Coverage(3, 3, unread=1)
    page(library, 0).unlink()
    survey(library)
    assert advance(library, AT_ONCE) == Coverage(2, 2)


def test_an_empty_folder_is_complete_once_it_was_looked_at(tmp_path: Path) -> None:
    library = Library(str(tmp_path), str(tmp_path / ".mads"))
    assert not find(library, "zebra", 1)[1].is_complete
    assert survey(library).is_complete
    assert find(library, "zebra", 1)[1].is_complete


def test_work_that_was_left_is_gone_on_with(library: Library) -> None:
    for number in range(3):
        page(library, number).write_text("zebra\n" * 60_000, encoding="utf-8")
    survey(library)
    assert advance(library, 0) == Coverage(1, 3)
    assert advance(library, 0) == Coverage(2, 3)
    assert advance(library, AT_ONCE) == Coverage(3, 3)


def test_what_changed_last_comes_first(library: Library) -> None:
    for number, size in enumerate((60_000, 60_001, 60_002)):
        page(library, number).write_text("zebra\n" * size, encoding="utf-8")
    os.utime(page(library, 0), ns=(2**62, 2**62))
    survey(library)
    advance(library, 0)
    assert set(found(library, "zebra")) == {"0.txt"}


@pytest.mark.parametrize("damage", [b"", b"no database", b"SQLite format 3\0" + b"\1" * 4096])
def test_a_damaged_index_is_made_anew(library: Library, damage: bytes) -> None:
    survey(library)
    advance(library, AT_ONCE)
    library.index_path().write_bytes(damage)
    assert survey(library) == Coverage(0, 3)
    advance(library, AT_ONCE)
    assert found(library, "zebra") == ["0.txt", "1.txt", "2.txt"]


def test_each_folder_has_an_index_of_its_own(library: Library, tmp_path: Path) -> None:
    other = Library(str(tmp_path), library.shelf)
    assert other.index_path() != library.index_path()
    assert Library(f"{library.folder}/.", library.shelf).index_path() == library.index_path()


def test_a_folder_that_is_not_there_is_an_error_and_leaves_nothing_behind(library: Library) -> None:
    missing = Library(f"{library.folder}/missing", library.shelf)
    for attempt in (lambda: survey(missing), lambda: find(missing, "zebra", 1)):
        with pytest.raises(FileNotFoundError):
            attempt()
    assert not Path(library.shelf).exists()


@pytest.mark.slow
async def test_several_processes_fill_one_index_without_getting_in_each_others_way(
    library: Library, workers: ProcessWorkers
) -> None:
    for number in range(200):
        page(library, number).write_text(f"page {number} speaks of zebras\n" * 30, encoding="utf-8")

    async def fill() -> Coverage:
        await workers.run(survey, library)
        while not (coverage := await workers.run(advance, library, 0)).is_complete:
            await workers.run(find, library, "zebra", 8)
        return coverage

    assert set(await asyncio.gather(fill(), fill())) == {Coverage(200, 200)}
    hits = (await workers.run(find, library, "zebra", 500)).hits
    assert len(hits) == len({(hit.path, hit.line) for hit in hits}) == 200
