"""`mads ps`, `mads show`, `mads version`, help and completion: what a person, or a script, looks at."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click import Context, Group

from mads.cli import SERVING, VERBS, run, verbs
from tests.cli.shell import MADS, Mads

COVERS = ("R-021", "R-022", "R-148")


@pytest.mark.slow
def test_ps_shows_where_each_mad_runs(parlour: Mads) -> None:
    said = parlour("ps").stdout
    seen = {status["mad"]: status for status in json.loads(parlour("ps", "--json").stdout)}

    assert [line.split()[:2] for line in said.splitlines()] == [
        ["MAD", "RUN"],
        ["parrot", "here"],
        ["witness", "process"],
        ["steward", "here"],
    ]
    assert seen["witness"]["pid"] != seen["parrot"]["pid"] == seen["steward"]["pid"]
    assert {status["state"] for status in seen.values()} == {"running"}


@pytest.mark.slow
def test_show_says_who_a_mad_is_what_it_needs_and_what_it_offers(parlour: Mads) -> None:
    said = parlour("show", "witness").stdout

    assert "role: You remember what was said." in said
    assert "  said: Kept[Spoke]" in said
    assert "heard text=STRING" in said
    shown = json.loads(parlour("show", "witness", "--json").stdout)
    assert (shown["run"], shown["hears"], shown["offers"]) == ("process", ["parlour.Spoke.v1"], ["heard"])


@pytest.mark.slow
def test_show_says_what_a_tool_takes(parlour: Mads) -> None:
    assert "Say something so many times." in parlour("show", "parrot.repeat").stdout
    shown = json.loads(parlour("show", "parrot.repeat", "--json").stdout)
    assert (shown["name"], "input_schema" in shown) == ("mads.parrot.repeat", True)


@pytest.mark.slow
@pytest.mark.parametrize("words", [["ps"], ["ps", "--json"], ["--help"]])
def test_output_that_cannot_be_written_is_told_in_a_line(words: list[str], parlour: Mads) -> None:
    with Path("/dev/full").open("w", encoding="ascii") as full:
        ran = subprocess.run(
            [MADS, *words], cwd=parlour.folder, stdout=full, stderr=subprocess.PIPE, text=True, timeout=30, check=False
        )

    assert ran.returncode == 1
    assert re.fullmatch(r"Error: .*No space left on device\n", ran.stderr)


@pytest.mark.slow
def test_show_lists_every_tool_event_and_layer(parlour: Mads) -> None:
    assert "parrot.repeat" in parlour("show").stdout
    assert {tool["name"] for tool in json.loads(parlour("show", "--json").stdout)} >= {
        "mads.parrot.repeat",
        "mads.witness.heard",
        "mads.steward.ps",
    }
    assert re.search(
        r"^parlour\.Spoke\.v1 +1 +- +- +witness +text=STRING \[loud=BOOLEAN\]$"
        r"(.*\n)*mads\.SecurityEvent\.v1 +1 +steward +critical +- +kind=",
        parlour("show", "--events").stdout,
        re.MULTILINE,
    )
    assert "access" in json.loads(parlour("show", "--layers", "--json").stdout)


@pytest.mark.slow
@pytest.mark.parametrize("words", [["show", "wittness"], ["show", "witness", "--layers"]])
def test_show_refuses_what_makes_no_sense(words: list[str], parlour: Mads) -> None:
    assert parlour(*words).returncode == 2


@pytest.mark.slow
def test_the_shell_completes_verbs_tools_arguments_and_mads_of_the_running_system(parlour: Mads) -> None:
    assert completed(parlour, "mads sh") == ["show"]
    assert completed(parlour, "mads call parrot.re") == ["parrot.repeat"]
    assert completed(parlour, "mads call parrot.repeat t") == ["text=", "times="]
    assert completed(parlour, "mads chat w") == ["witness"]


@pytest.mark.slow
def test_completion_is_silent_where_no_system_runs(project: Mads) -> None:
    assert completed(project, "mads call par") == []


def completed(mads: Mads, line: str) -> list[str]:
    """Return what the shell offers at the end of `line`."""
    last = str(len(line.split()) - 1)
    ran = mads(_MADS_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=last)
    assert ran.stderr == ""
    return [offer.partition(",")[2] for offer in ran.stdout.split()]


def test_help_lists_every_verb_and_imports_none() -> None:
    look = "import sys; from mads.cli import run; run(['--help']); print(*sorted(sys.modules))"
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=30, check=True).stdout
    help_, _, loaded = said.rstrip().rpartition("\n")

    assert all(f"  {verb}  " in help_ for verb in VERBS)
    assert not {"asyncio", "apsw", "mcp", "structlog", "mads.host.config"} & {*loaded.split()}


def test_every_verb_has_help_and_speaks_json() -> None:
    assert isinstance(verbs, Group)
    for name in VERBS:
        context = verbs.commands[name].make_context(name, [], resilient_parsing=True)
        assert context.command.help
        verbs_in_it = context.command.commands.values() if isinstance(context.command, Group) else [context.command]
        assert not (isinstance(context.command, Group) and name in SERVING)
        assert all("--json" in verb.get_help(Context(verb)) for verb in verbs_in_it)


def test_a_verb_that_is_not_there_is_a_wrong_usage_in_words_and_as_json() -> None:
    ran = subprocess.run([*START, "cal"], capture_output=True, text=True, timeout=30, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "Did you mean: mads call?" in ran.stderr

    ran = subprocess.run([*START, "cal", "--json"], capture_output=True, text=True, timeout=30, check=False)
    assert (ran.returncode, ran.stderr) == (2, "")
    assert json.loads(ran.stdout)["error"]["code"] == "usage"


def test_a_verb_of_another_verb_is_found_and_each_mistake_says_what_to_write(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words, meant in (
        (["import", "x"], "Write: mads conversations import"),
        (["dead", "lst"], "Did you mean: mads dead list?"),
        (["capture", "nope"], "Write: mads capture dataset|stats"),
        (["capture"], "No such option '--json'. Write: mads capture dataset|stats"),
        (["trace", "--nope"], "Try: mads trace --help"),
    ):
        assert run([*words, "--json"]) == 2
        assert meant in json.loads(capsys.readouterr().out)["error"]["message"]


@pytest.mark.slow
def test_a_list_in_which_nothing_fits_is_done_and_says_so(parlour: Mads) -> None:
    for words, what in (
        (["dead", "list", "--sender", "nope"], "dead letter"),
        (["conversations", "--tenant", "nope"], "conversation"),
        (["audit", "list", "--principal", "nope"], "decision"),
    ):
        ran, told = parlour(*words), parlour(*words, "--json")
        assert (ran.returncode, ran.stderr) == (0, f"No {what} is there that fits.\n")
        assert (told.returncode, told.stdout, told.stderr) == (0, "[]\n", ran.stderr)


def test_an_option_that_is_none_of_a_choice_says_so_and_nothing_of_how_it_was_read() -> None:
    ran = subprocess.run(
        [*START, "logs", "--level", "loud", "--json"], capture_output=True, text=True, timeout=30, check=False
    )
    error = json.loads(ran.stdout)["error"]
    assert "'loud' is not one of 'debug'" in error["message"]
    assert error["cause"] is None


START = (sys.executable, "-c", "from mads.cli import main; main()")


def test_the_version_is_told_in_words_and_as_json() -> None:
    ran = subprocess.run([*START, "version", "--json"], capture_output=True, text=True, timeout=30, check=True)

    assert set(json.loads(ran.stdout)) == {"mads", "python"}
