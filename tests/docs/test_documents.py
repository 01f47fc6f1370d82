"""What a document shows is there: its Python in `examples/`, its configuration readable, its commands and links real.

Covers every fenced block, every `mads …` in the text and every relative link. Does not run the commands: the tests of
the command line do.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from mads.author.schema import event_info, tool_infos
from mads.cli import verbs
from mads.cli.arguments import Parameters
from mads.cli.up import OPEN_DOOR, some
from mads.gateway import connect, names
from mads.host.config import FILE, read_config
from mads.host.survey import survey
from mads.host.talk.mentions import mentioned
from tests.docs.papers import ROOT

COVERS = ("R-001",)

DOCUMENTS = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})
ADDRESS = "http://127.0.0.1:7337/mcp"
ASIDE = {"cd", ".", "pytest", "pip"}
"""What stands in a document between the commands of this repository."""


class Block(NamedTuple):
    """A fenced block, and where it stands."""

    place: str
    language: str
    text: str


def blocks(language: str = "") -> list[Block]:
    """Return the fenced blocks of all documents."""
    found: list[Block] = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            place = f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}"
            found.append(Block(place, match[1], match[2]))
    return [block for block in found if language in ("", block.language)]


def commands() -> list[list[str]]:
    """Return the words of each command in the blocks of shell."""
    lines = (line for block in blocks("sh") for line in block.text.splitlines())
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def mads_commands() -> list[list[str]]:
    return [words[1:] for words in commands() if words[0] == "mads"]


def test_a_block_is_of_a_language_that_is_checked() -> None:
    assert {block.language for block in blocks()} == {"python", "sh", "text", "toml"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the tutorial's project by its first command: in a process that does not see `examples/chores`."""
    folder = tmp_path_factory.mktemp("tutorial")
    subprocess.run([Path(sys.executable).with_name("mads"), "new", "chores"], cwd=folder, check=True, timeout=20)
    return folder / "chores"


def test_python_is_a_part_of_an_example_or_of_a_new_project(project: Path) -> None:
    files = [*(ROOT / "examples").rglob("*.py"), *project.glob("*.py")]
    code = [path.read_text(encoding="utf-8") for path in files]
    assert [block.place for block in blocks("python") if not any(block.text in text for text in code)] == []


def test_the_tutorials_mad_is_the_one_that_a_new_project_has(project: Path) -> None:
    example = ROOT / "examples" / "chores" / "chores.py"
    assert (project / "chores.py").read_text(encoding="utf-8") == example.read_text(encoding="utf-8")


@pytest.mark.parametrize("block", blocks("toml"), ids=lambda block: block.place)
def test_configuration_can_be_read(tmp_path: Path, block: Block) -> None:
    (tmp_path / FILE).write_text(block.text, encoding="utf-8")
    assert read_config(tmp_path).mads


def test_every_command_is_one_of_this_repository() -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    clients = [shlex.split(line) for line in connect.lines(ADDRESS).values()]

    def known(words: list[str]) -> bool:
        return words[0] in ASIDE | {"mads"} or words in clients or (words[0] == "make" and words[1] in targets)

    assert [words for words in commands() if not known(words)] == []


@pytest.mark.parametrize("words", mads_commands(), ids=" ".join)
def test_a_command_of_mads_is_understood(words: list[str]) -> None:
    verb = verbs.get_command(click.Context(verbs), words[0])
    assert verb is not None
    verb.make_context(words[0], words[1:])


def test_a_verb_in_the_text_is_one() -> None:
    spoken_of = {
        match[1]
        for path in DOCUMENTS
        if path.parent.name != "adr"  # a decision may speak of what is to come
        for match in re.finditer(r"`mads ([a-z]+)[^`]*`", path.read_text(encoding="utf-8"))
    }
    assert spoken_of - verbs.commands.keys() == set()


@pytest.mark.parametrize("words", [it for it in mads_commands() if it[0] in {"call", "chat", "emit"}], ids=" ".join)
def test_what_is_called_takes_these_arguments(words: list[str]) -> None:
    verb, name, *arguments = words
    systems = [survey(read_config(path.parent)) for path in (ROOT / FILE, *(ROOT / "examples").glob(f"*/{FILE}"))]
    takes = {
        spelling: tool.input_schema
        for read in systems
        for mad, declared in read.declared.items()
        for tool in tool_infos(mad, declared)
        for spelling in names.accepted(tool)
    }
    if verb == "call":
        Parameters(name, takes[name]).parse(arguments)
    elif verb == "chat":
        called = [name] if not name.startswith("--") else mentioned(arguments[-1])
        assert called
        assert {f"{mad}.chat" for mad in called} <= takes.keys()
    else:
        heard = (heard.event for read in systems for declared in read.declared.values() for heard in declared.listeners)
        fields = {event.__name__: event_info(event, ()).schema for event in heard}
        Parameters(name, fields[name]).parse(arguments)


def test_what_one_sees_is_what_is_there() -> None:
    (shown,) = blocks("text")
    read = survey(read_config(ROOT))
    config = read_config(ROOT)
    for mad, declared in read.declared.items():
        offered = some([tool.tool for tool in tool_infos(mad, declared)])
        assert re.search(
            rf"^{mad} +{config.mads[mad].run} +\d+ +running +{re.escape(offered)}$", shown.text, re.MULTILINE
        )
    for line in (*connect.lines(ADDRESS).values(), OPEN_DOOR):
        assert line in shown.text


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    broken = [
        link
        for link in re.findall(r"\]\((?!https?://)([^)\s]+)\)", text)
        if not _leads(path, *link.partition("#")[::2])
    ]
    assert broken == []


def _leads(path: Path, file: str, heading: str) -> bool:
    target = path.parent / file if file else path
    if not heading:
        return target.exists()
    titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
    return heading in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
