"""From a citation one reads on, and from a path or a name one comes to the decisions that govern it.

Covers passages, outlines, decisions in several forms, and what a reader may not see. Does not cover the
tools, which are the librarian's.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mads.recall import files
from mads.recall.decisions import Decision, Front, decision, governing
from mads.recall.files import listing
from mads.recall.filling import index
from mads.recall.finding import search
from mads.recall.reading import CHARACTERS, LINES, outline, passage
from mads.recall.tables import EVERYONE, Reader, prepare
from mads.store.sqlite import Connection, connect

COVERS = ("R-004", "R-062", "R-063")

CODE = '"""The till."""\n\n\nclass Till:\n    """Money."""\n\n    def count(self):\n        return 1\n'
OLD = '---\nid: "0001"\nstatus: "superseded"\naffects: ["src"]\nsupersedes: []\n---\n# Coins only\n\nBecause.\n'
NEW = """\
---
id: "0002"
status: accepted
affects:
  - src/till.py
  - "other"
supersedes: [0001]
---
# Notes as well
"""
FREE = "# 3. Receipts\n\nStatus: accepted\n\nA `Till` prints them.\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folder")
    texts = {
        "src/till.py": CODE,
        "src/copy.py": CODE + "\n",
        "secret/plan.md": "# Plan\nThe vault of the till.\n",
        "docs/adr/0001-coins.md": OLD,
        "docs/adr/0002-notes.md": NEW,
        "docs/adr/0003-receipts.md": FREE,
    }
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def db(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    db = connect(tmp_path_factory.mktemp("index") / "index.sqlite")
    prepare(db)
    index(db, folder, listing(folder))
    yield db
    db.close()


@pytest.mark.parametrize(
    ("place", "lines", "symbol"),
    [
        ("src/till.py:8", (7, 8), "Till.count"),
        ("src/till.py:2-4", (2, 4), ""),
        ("src/till.py", (1, 9), ""),
        ("./src/till.py:99", (7, 9), "Till.count"),
        ("Till.count", (7, 8), "Till.count"),
        ("count", (7, 8), "Till.count"),
    ],
)
def test_a_citation_a_path_and_a_name_are_read(
    db: Connection, folder: Path, place: str, lines: tuple[int, int], symbol: str
) -> None:
    found = passage(db, folder, place, Reader(hidden=("src/copy.py",)))
    assert found is not None
    assert (found.path, found.first, found.last, found.symbol) == ("src/till.py", *lines, symbol)
    assert found.text == "\n".join(CODE.split("\n")[lines[0] - 1 : lines[1]])


@settings(max_examples=12)
@given(st.lists(st.integers(1, 2 * CHARACTERS), min_size=1, max_size=4), st.integers(1, 900))
def test_what_is_found_and_read_is_bounded_whatever_stands_there(lengths: list[int], times: int) -> None:
    text = "\n".join("till " * (length // 5) + "x" * (length % 5) for length in lengths * times)[: 5 * CHARACTERS]
    with TemporaryDirectory() as at:
        (folder := Path(at) / "folder").mkdir()
        (folder / "a.txt").write_text(text, encoding="utf-8")
        db = connect(Path(at) / "index.sqlite")
        prepare(db)
        index(db, folder, listing(folder))
        hits = search(db, "till", 8)
        assert all(len(hit.excerpt) <= 7 * 201 for hit in hits)
        for place in ("a.txt", *(f"{hit.path}:{hit.line}" for hit in hits)):
            found = passage(db, folder, place, EVERYONE)
            assert found is not None
            assert found.first <= found.last < found.first + LINES
            told = "\n".join(text.split("\n")[found.first - 1 : found.last])
            assert found.text == told[:CHARACTERS]
        db.close()


@pytest.mark.parametrize(
    "place",
    [
        "",
        "nothing",
        "src/none.py:1",
        "../till.py",
        "/etc/passwd",
        "src",
        ":3",
        "%",
        "*",
        "src/till.py:5-2",
        "src/till.py:99-120",
    ],
)
def test_what_is_not_in_the_index_is_not_read(db: Connection, folder: Path, place: str) -> None:
    assert passage(db, folder, place, EVERYONE) is None


def test_an_outline_tells_what_a_file_defines_or_a_folder_holds(db: Connection) -> None:
    assert [(entry.citation, entry.symbol) for entry in outline(db, "src/till.py", EVERYONE)] == [
        ("src/till.py:1", ""),
        ("src/till.py:4", "Till"),
        ("src/till.py:7", "Till.count"),
    ]
    assert [(entry.citation, entry.begins) for entry in outline(db, "src", EVERYONE)] == [
        ("src/copy.py:1", '"""The till."""'),
        ("src/till.py:1", '"""The till."""'),
    ]
    assert {entry.kind for entry in outline(db, "", EVERYONE)} == {"code", "document", "decision"}


def test_what_a_label_hides_is_not_there(db: Connection, folder: Path) -> None:
    blind = Reader(hidden=("secret/*",))
    assert [hit.path for hit in search(db, "vault")] == ["secret/plan.md"]
    assert search(db, "vault", reader=blind) == []
    assert passage(db, folder, "secret/plan.md", blind) is None
    assert passage(db, folder, "Plan", blind) is None
    assert outline(db, "secret", blind) == []
    assert governing(db, "src/till.py", Reader(hidden=("docs/*",))) == []


def test_what_belongs_to_a_tenant_is_there_for_that_tenant_alone(tmp_path: Path) -> None:
    lines = [{"event": "the till is jammed", "tenant": "acme"}, {"event": "the till opens", "tenant": "globex"}]
    unclear = [json.dumps({"event": "till", "tenant": tenant}) for tenant in (7, None, ["acme"])]
    twice = '{"event": "the till", "tenant": "acme", "tenant": "globex"}'
    deep = '{"tenant": "acme", "till": ' + "[" * 100_000
    start = "the till is closed"
    text = "\n".join([start, *map(json.dumps, lines), "  a traceback", "{ no JSON, of the till", *unclear, twice, deep])
    (tmp_path / "app.jsonl").write_text(text, encoding="utf-8")
    db = connect(tmp_path / ".mads" / "index.sqlite")
    prepare(db)
    index(db, tmp_path, listing(tmp_path))
    seen = {
        tenant: sorted(hit.first for hit in search(db, "till", reader=Reader(tenant)))
        for tenant in ("acme", "globex", "other")
    }
    assert seen == {"acme": [1, 2], "globex": [1, 3], "other": [1]}
    own = passage(db, tmp_path, "app.jsonl:2", Reader("acme"))
    assert own is not None
    assert (own.first, own.last) == (2, 2)
    for place in ("app.jsonl", "app.jsonl:3", "app.jsonl:1-4", "app.jsonl:4-4", "app.jsonl:5-5", "app.jsonl:6-9"):
        assert passage(db, tmp_path, place, Reader("acme")) is None
    (tmp_path / "app.jsonl").write_text("\n".join(map(json.dumps, reversed([*lines, lines[1]]))), encoding="utf-8")
    assert passage(db, tmp_path, "app.jsonl:2", Reader("acme")) is None  # it was written anew since
    db.close()


def test_what_says_the_same_is_one_hit_that_names_the_others(db: Connection) -> None:
    [hit, *_] = search(db, "count", kinds=("code",))
    assert (hit.path, hit.also) == ("src/copy.py", ("src/till.py:7",))


def test_a_search_keeps_to_the_kinds_that_are_asked_for(db: Connection) -> None:
    assert {hit.kind for hit in search(db, "till", kinds=("decision",))} == {"decision"}


@pytest.mark.parametrize("target", ["src/till.py", "Till.count", "count"])
def test_the_decisions_about_a_path_or_a_name_are_told_the_nearest_first(db: Connection, target: str) -> None:
    [new, *free, old] = governing(db, target, Reader(hidden=("src/copy.py",)))
    assert new == Decision("0002", "Notes as well", "accepted", "docs/adr/0002-notes.md:1", "affects src/till.py")
    assert old.superseded_by == "0002"
    assert (old.because, [other.id for other in free]) == ("affects src", [])


def test_a_decision_that_only_speaks_of_a_name_is_told_as_such(db: Connection) -> None:
    assert [(found.id, found.because) for found in governing(db, "Till", EVERYONE)][1] == ("0003", "speaks of it")
    assert governing(db, "Nothing", EVERYONE) == []


@pytest.mark.parametrize(
    ("text", "front"),
    [
        (OLD, Front("0001", "Coins only", "superseded", ("src",), ())),
        (NEW, Front("0002", "Notes as well", "accepted", ("src/till.py", "other"), ("0001",))),
        (FREE, Front("0009", "3. Receipts", "", (), ())),
        ("---\nno end", Front("0009", "0009-x", "", (), ())),
        ("", Front("0009", "0009-x", "", (), ())),
    ],
)
def test_a_decision_is_read_in_the_forms_it_comes_in(text: str, front: Front) -> None:
    assert decision("docs/adr/0009-x.md", text) == front


def test_figures_that_bear_a_tenants_label_are_there_for_that_tenant_alone(tmp_path: Path) -> None:
    text = '# HELP tills Tills that jam.\ntills{tenant="acme",at="gate"} 3\ntills{tenant="globex"} 4\ntills 7\n'
    (tmp_path / "shop.prom").write_text(text, encoding="utf-8")
    (tmp_path / "metrics.jsonl").write_text('{"tills": 3, "tenant": "acme"}\n{"tills": 4}\n', encoding="utf-8")
    db = connect(tmp_path / ".index" / "index.sqlite")
    prepare(db)
    index(db, tmp_path, listing(tmp_path))
    seen = {
        tenant: sorted((hit.path, hit.first) for hit in search(db, "tills", reader=Reader(tenant)))
        for tenant in ("acme", "other")
    }
    both = [("metrics.jsonl", 2), ("shop.prom", 1), ("shop.prom", 4)]
    assert seen == {"acme": sorted([*both, ("metrics.jsonl", 1), ("shop.prom", 2)]), "other": both}
    assert passage(db, tmp_path, "shop.prom:1-4", Reader("other")) is None
    db.close()


def test_the_end_of_the_systems_own_log_is_there_for_its_operator_and_each_line_for_its_tenant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 200)
    (tmp_path / ".mads").mkdir()
    (tmp_path / ".mads" / "secret.txt").write_text("the till\n", encoding="utf-8")
    lines = [
        *({"event": "the till is old"} for _ in range(20)),
        {"event": "the till burns"},
        {"event": "the till, too"},
    ]
    text = "".join(json.dumps(line | ({"tenant": "acme"} if "too" in line["event"] else {})) + "\n" for line in lines)
    (tmp_path / ".mads" / "log.jsonl").write_text(text, encoding="utf-8")
    db = connect(tmp_path / ".index" / "index.sqlite")
    prepare(db)
    index(db, tmp_path, listing(tmp_path))
    seen = {
        tenant: [hit.last for hit in search(db, "till", reader=Reader(tenant))] for tenant in ("default", "acme", "")
    }
    assert seen == {"default": [21], "acme": [22], "": []}
    db.close()


def test_the_systems_own_figures_are_there_for_its_operator_alone(tmp_path: Path) -> None:
    (tmp_path / ".mads").mkdir()
    page = '# HELP mads_calls_total Calls that ended.\nmads_calls_total{mad="till",outcome="late"} 4.0\n'
    (tmp_path / ".mads" / "metrics.prom").write_text(page, encoding="utf-8")
    db = connect(tmp_path / ".index" / "index.sqlite")
    prepare(db)
    index(db, tmp_path, listing(tmp_path))
    seen = {tenant: [(hit.kind, hit.symbol) for hit in search(db, "late till", reader=Reader(tenant))]
            for tenant in ("default", "acme")}  # fmt: skip
    assert seen == {"default": [("metric", "mads_calls_total")], "acme": []}
    assert passage(db, tmp_path, ".mads/metrics.prom", Reader("acme")) is None
    db.close()


def test_a_name_of_any_length_has_its_decisions_and_no_name_has_none(db: Connection) -> None:
    for target in ("x" * 100_000, "[*?", "", " ", "a\0b"):
        assert governing(db, target, EVERYONE) == []
