"""Each mistake in `mistakes/` is reported by both type checkers, at its line and nowhere else, and again at load."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mads.author.declaration import declaration
from mads.author.lint import mistakes
from mads.wire.errors import DeclarationError

COVERS = ("R-022", "R-024")

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "mistakes"
FILES = sorted(FOLDER.glob("*.py"))

AT_LOAD = {
    "bad_argument": 'about is of type str, not year; write `self.scribe.recall(about="…")`',
    "misspelt_tool": "Scribe has no tool 'recal'; did you mean 'recall'? Write `self.scribe.recall(…)`",
    "missing_dependency": "Clerk has no 'scribe'; write `scribe: Scribe` among its fields",
    "mutated_message": "Note is a value; write `note = Note(about=note.about, text=…)`",
    "not_awaited": "self.scribe.write is not awaited; write `await self.scribe.write(note)`",
    "question": 'what varies is material; write `await self.think("What was decided about …?", about)`',
    "wrong_command": 'about is of type str, not year; it takes `self.scribe.recall(about="…")`',
    "wrong_step": 'about is of type str, not year; it takes `self.scribe.recall(about="…")`',
    "wrong_answer": "note returns list[Note], not Note(about=about, text=''); write `return [Note(about=…, text=…)]`",
    "wrong_event": "Clerk.minute hears MeetingEnded, so write `async def minute(self, event: MeetingEnded) -> None:`",
    "wrong_result": "gives list[Note], not int; write `count: list[Note] = await self.scribe.recall('release')`",
}


def marked(checker: str) -> set[tuple[str, int]]:
    return {
        (file.name, number)
        for file in FILES
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if line.endswith(("# error", f"# error: {checker}"))
    }


def run(*command: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout


@pytest.mark.slow
def test_mypy_reports_each_mistake_and_nothing_else() -> None:
    found = re.findall(r"(\w+\.py):(\d+): error", run("mypy", *map(str, FILES)))

    assert {(file, int(line)) for file, line in found} == marked("mypy")


@pytest.mark.slow
def test_pyright_reports_each_mistake_and_nothing_else() -> None:
    report = json.loads(run("pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(FOLDER)))

    found = {(Path(it["file"]).name, it["range"]["start"]["line"] + 1) for it in report["generalDiagnostics"]}
    assert found == marked("pyright")


@pytest.mark.parametrize("name", [file.stem for file in FILES])
def test_each_mistake_is_reported_at_load_with_the_line_to_write(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    clerk = importlib.import_module(name).Clerk

    try:
        (found,) = mistakes(declaration(clerk))
        where = f"{FOLDER / name}.py:{min(line for file, line in marked('pyright') if file == f'{name}.py')}: "
        assert found.startswith(where)
    except DeclarationError as error:
        found = str(error)

    assert found.endswith(AT_LOAD[name])
