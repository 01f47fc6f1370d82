"""`mads check` finds everything that would fail at start, all at once, and leaves no trace."""

from __future__ import annotations

import json
import os
import re
import socket
import sqlite3
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mads.gateway.server import USUAL
from mads.project.new import make
from tests.cli.shell import Mads, up

COVERS = ("R-024",)
UP = pytest.param(["up"], marks=pytest.mark.slow)


@pytest.fixture
def pantry(tmp_path: Path) -> Mads:
    """Return the command line in a new project."""
    return Mads(make("pantry", tmp_path))


def configure(mads: Mads, text: str) -> None:
    """Write `text` to the project's `mads.toml`."""
    (mads.folder / "mads.toml").write_text(text, encoding="utf-8")


def traces(folder: Path) -> dict[str, bytes]:
    """Return everything that lies in `folder`."""
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.fixture
def taken() -> Generator[int]:
    """Yield a port that somebody else holds."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_a_new_project_is_fine_and_looking_at_it_leaves_no_trace(pantry: Mads) -> None:
    configure(pantry, '[gateway]\nport = 0\n[mads]\npantry = "pantry:Pantry"\n')
    before = traces(pantry.folder)

    ran = pantry("check", PYTHONDONTWRITEBYTECODE="")

    assert (ran.returncode, ran.stdout) == (0, "2 MADs are fine: pantry, steward\n")
    assert json.loads(pantry("check", "--json").stdout) == {"mads": ["pantry", "steward"], "warnings": []}
    assert traces(pantry.folder) == before


def test_every_mistake_of_the_configuration_is_told_at_once(pantry: Mads) -> None:
    configure(pantry, 'bus = "mqtt"\n[gateway]\nprot = 1\n[mads]\nPantry = "pantry:Pantry"\nother = "pantry"\n')

    ran = pantry("check")

    assert ran.returncode == 2
    assert [word for word in ("'mqtt'", "prot", "Pantry", "module:Class") if word not in ran.stderr] == []


def test_mistakes_of_the_configuration_and_of_the_classes_are_told_together(pantry: Mads) -> None:
    (pantry.folder / "poor.py").write_text(POOR, encoding="utf-8")
    configure(pantry, '[gateway]\nport = 0\n[mads]\npoor = { use = "poor:Poor", rnu = 1, at_once = 0 }\n')

    ran = pantry("check")

    told = ("rnu: unknown key", "at_once: Expected `int` >= 1", "of type Poor, which cannot travel", "write `self.log`")
    assert [word for word in told if word not in ran.stderr] == []


POOR = '''
from mads import Log, mad, tool


@mad
class Poor:
    """You are poor."""

    log: Log

    @tool
    async def f(self) -> "Poor":
        """Do nothing."""
        self.lgo.info("nothing")
        return self
'''


def test_every_mistake_of_the_mads_the_names_the_port_and_the_store_is_told_at_once(pantry: Mads, taken: int) -> None:
    configure(pantry, f'[gateway]\nport = {taken}\n[mads]\npantry = "pantry:Pantri"\nother = "nowhere:Other"\n')
    (pantry.folder / ".mads").mkdir()
    (pantry.folder / ".mads" / "store.sqlite").write_text("this is no database, whatever its name", encoding="utf-8")

    ran = pantry("check")

    assert ran.returncode == 2
    told = ("did you mean pantry:Pantry?", "no module 'nowhere'", f"port {taken} is taken", "it is no SQLite database")
    assert [word for word in told if word not in ran.stderr] == []
    assert json.loads(pantry("check", "--json").stdout)["error"]["code"] == "usage"


def test_names_that_a_client_could_not_tell_apart_are_told(pantry: Mads) -> None:
    (pantry.folder / "twins.py").write_text(TWINS, encoding="utf-8")
    configure(pantry, '[gateway]\nport = 0\n[mads]\na = "twins:Long"\na_b = "twins:Short"\n')

    ran = pantry("check")

    assert ran.returncode == 2
    assert "clients could not tell" in ran.stderr


TWINS = '''
from mads import mad, tool


@mad
class Long:
    """You have a long tool."""

    @tool
    async def b_c(self) -> None:
        """Do nothing."""


@mad
class Short:
    """You have a short tool."""

    @tool
    async def c(self) -> None:
        """Do nothing."""
'''


@pytest.mark.parametrize("words", [["check"], UP])
def test_a_folder_in_which_nothing_can_be_kept_is_told(words: list[str], pantry: Mads) -> None:
    (pantry.folder / ".mads").touch()

    ran = pantry(*words)

    assert (ran.returncode, ran.stderr) == (2, f"Error: {pantry.folder / '.mads'} is no folder; move it away\n")


@pytest.mark.slow
@pytest.mark.parametrize("words", [["check"], UP, ["new", "pot"]])
@pytest.mark.parametrize(("name", "told"), [(b"\xff\xfe", "is no UTF-8"), (b"/".join([b"d" * 200] * 8), "400 at most")])
def test_a_path_with_which_no_system_could_run_is_told(
    name: bytes, told: str, words: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / os.fsdecode(name)
    folder.mkdir(parents=True)
    (folder / "mads.toml").touch()

    ran = Mads(folder)(*words)

    assert ran.returncode == 2
    assert re.fullmatch(f"Error: .*{told}.*\n", ran.stderr)


def test_an_import_that_prints_and_ends_the_process_is_a_mistake_like_any_other(pantry: Mads) -> None:
    (pantry.folder / "loud.py").write_text('import sys\n\nprint("loud")\nsys.exit(5)\n', encoding="utf-8")
    configure(pantry, '[mads]\nloud = "loud:Loud"\nother = "nowhere:Other"\n')

    ran = pantry("check", "--json")

    assert (ran.returncode, ran.stderr) == (2, "loud\n")
    mistakes = json.loads(ran.stdout)["error"]["mistakes"]
    assert ["importing loud ended the process: sys.exit(5)" in mistakes[0], "'nowhere'" in mistakes[1]] == [True, True]


@pytest.mark.slow
def test_a_system_with_an_import_that_ends_the_process_does_not_start(pantry: Mads) -> None:
    (pantry.folder / "loud.py").write_text("import sys\n\nsys.exit(5)\n", encoding="utf-8")
    configure(pantry, '[mads]\nloud = "loud:Loud"\n')

    assert pantry("up").returncode == 2


@pytest.mark.slow
def test_a_port_that_nobody_wrote_is_no_mistake_where_it_is_taken(pantry: Mads) -> None:
    with suppress(OSError), socket.create_server(("127.0.0.1", USUAL)) as taken:
        assert pantry("check").returncode == 0
        with up(pantry.folder) as (_, ready):
            assert urlsplit(str(ready["address"])).port != taken.getsockname()[1]


@pytest.mark.slow
def test_a_project_whose_system_runs_is_fine_though_it_holds_port_and_store(pantry: Mads) -> None:
    with up(pantry.folder, "--port", "0") as (_, ready):
        port = urlsplit(str(ready["address"])).port
        configure(pantry, f'[gateway]\nport = {port}\n[mads]\npantry = "pantry:Pantry"\n')
        assert pantry("check").returncode == 0
    before = traces(pantry.folder)

    assert pantry("check").returncode == 0

    assert traces(pantry.folder) == before


def test_a_store_of_a_newer_mads_is_told(pantry: Mads) -> None:
    (pantry.folder / ".mads").mkdir()
    with sqlite3.connect(pantry.folder / ".mads" / "store.sqlite") as store:
        store.execute("CREATE TABLE schema_migrations (version TEXT PRIMARY KEY, checksum TEXT NOT NULL) STRICT")
        store.execute("INSERT INTO schema_migrations VALUES ('9999', 'x')")
    store.close()

    assert "update mads" in pantry("check").stderr
