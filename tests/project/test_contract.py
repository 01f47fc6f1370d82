"""`mads contract` holds the code to what was committed, and `mads check` says what broke it and what is overdue.

Covers the file, git, and the command line. Does not cover which change breaks what: the tests of author/contract do.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from mads.project import contract
from mads.project.check import check
from mads.project.new import make
from mads.wire.errors import ConfigError
from tests.cli.shell import Mads

COVERS = ("R-022", "R-024")

CONFIG = '[gateway]\nport = 0\n[mads]\npantry = "pantry:Pantry"\n'


@pytest.fixture
def pantry(tmp_path: Path) -> Mads:
    """Return the command line in a new project that is committed, with its lock, to a repository."""
    mads = Mads(make("pantry", tmp_path))
    (mads.folder / "mads.toml").write_text(CONFIG, encoding="utf-8")
    assert mads("contract", "lock").returncode == 0
    git(mads.folder, "init", "--quiet")
    commit(mads.folder)
    return mads


def git(folder: Path, *words: str) -> None:
    program = shutil.which("git")
    assert program is not None
    subprocess.run([program, "-c", "user.name=ana", "-c", "user.email=ana@localhost", *words], cwd=folder, check=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "as it is now")


def edit(mads: Mads, *edits: tuple[str, str]) -> None:
    """Replace each text by another in the project's module."""
    path = mads.folder / "pantry.py"
    code = path.read_text(encoding="utf-8")
    for old, new in edits:
        assert old in code
        code = code.replace(old, new)
    path.write_text(code, encoding="utf-8")


@pytest.mark.slow
def test_a_lock_is_the_same_for_the_same_code_and_a_line_for_each_fact(pantry: Mads) -> None:
    before = (pantry.folder / "contract.json").read_text(encoding="utf-8")
    edit(pantry, ("Put something on the list.", "Put it down."))

    ran = pantry("contract", "lock", "--json")

    told = json.loads(ran.stdout)
    assert (told["mads"], told["accepted"]) == (2, [])
    assert (pantry.folder / "contract.json").read_text(encoding="utf-8") == before
    assert '          "read_only": true,\n' in before
    assert pantry("contract", "diff").stdout == "nothing has changed since contract.json\n"


@pytest.mark.slow
def test_a_breaking_change_fails_the_check_until_it_is_locked(pantry: Mads) -> None:
    edit(pantry, ("    who: str\n", ""), ("(what=what, who=who)", "(what=what)"))

    ran = pantry("contract", "diff", "HEAD")
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "breaking  pantry.add   'who' is gone" in ran.stdout
    checked = pantry("check")
    assert checked.returncode == 2
    line = "pantry.add: 'who' is gone, which breaks contract.json; undo it, or accept it with: mads contract lock"
    assert line in checked.stderr

    assert "breaking  pantry.left  '[].who' is gone" in pantry("contract", "lock").stdout
    assert pantry("check").returncode == 0
    assert pantry("contract", "diff").returncode == 0
    commit(pantry.folder)
    told = json.loads(pantry("contract", "diff", "HEAD~1", "--json").stdout)
    assert (told["against"], told["breaking"]) == ("HEAD~1", True)
    assert {"verdict": "breaking", "what": "pantry.add", "why": "'who' is gone"} in told["changes"]


@pytest.mark.slow
def test_a_compatible_change_passes(pantry: Mads) -> None:
    edit(
        pantry,
        ("    who: str\n", "    who: str\n    by: int = 0\n"),
        ('who: str = "anyone"', 'who: str = "x", by: int = 0'),
    )

    ran = pantry("contract", "diff")

    assert ran.returncode == 0
    assert "compatible  pantry.add   'by' is new and may be left out" in ran.stdout
    assert pantry("check").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("revision", "said"),
    [("HEAD~9", "'HEAD~9' is no commit"), ("--all", "'--all' is no commit"), ("HEAD:mads.toml", "is no commit")],
)
def test_a_revision_that_is_none_is_told(pantry: Mads, revision: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        contract.diff(pantry.folder, revision)


def test_where_nothing_was_locked_or_committed_it_is_told_what_to_do(tmp_path: Path) -> None:
    folder = make("bare", tmp_path)
    with pytest.raises(ConfigError, match=r"there is no contract\.json in .*; write it with: mads contract lock"):
        contract.diff(folder)
    with pytest.raises(ConfigError, match="is in no git repository"):
        contract.diff(folder, "HEAD")
    git(folder, "init", "--quiet")
    commit(folder)
    with pytest.raises(ConfigError, match=r"contract\.json was not committed at 'HEAD'; write it with: mads"):
        contract.diff(folder, "HEAD")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"events": {}}',
        b'{"events": {}, "mads": {"a": {"tools": {"b": {"parameters": {"$ref": "#/$defs/C"}, "result": {}}}}}}',
        b'{"events": {"a": {"fields": {}, "version": 1, "deprecated": "soon"}}, "mads": {}}',
        b'{"mads": {}, "events": {"a": {"version": 1, "fields": {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": ""}}}}}}',
    ],
)
def test_a_lock_that_is_none_is_told(tmp_path: Path, text: bytes) -> None:
    folder = make("torn", tmp_path)
    (folder / "contract.json").write_bytes(text)
    with pytest.raises(ConfigError, match=r"contract\.json is no lock of a contract: .*; write it anew with: mads"):
        contract.diff(folder)


OLD = '''
from mads import mad, message, on, tool

@message(deprecated="2027-03-01: use Noted")
class Told:
    text: str

@mad
class Shelf:
    """You keep books."""

    @tool(deprecated="2027-03-01: use find")
    async def look(self) -> None:
        """Find a book."""

    @on(Told)
    async def hear(self, told: Told) -> None:
        """Listen."""
'''


async def test_what_should_be_gone_fails_the_check_from_the_next_day_on(tmp_path: Path) -> None:
    (tmp_path / "shelf_of_old.py").write_text(OLD, encoding="utf-8")
    (tmp_path / "mads.toml").write_text('[gateway]\nport = 0\n[mads]\nshelf = "shelf_of_old:Shelf"\n', encoding="utf-8")

    assert (await check(tmp_path, today=date(2027, 3, 1))).mads == ["shelf", "steward"]
    with pytest.raises(ConfigError) as told:
        await check(tmp_path, today=date(2027, 3, 2))

    assert str(told.value).splitlines() == [
        "shelf.look was to be gone after 2027-03-01 (use find); remove it, or move the date",
        "shelf_of_old.Told.v1 was to be gone after 2027-03-01 (use Noted); remove it, or move the date",
    ]
