"""`mads call` reaches any tool of the running system, types what is typed, and says clearly what went wrong."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
from pathlib import Path

import pytest

from mads.bus.memory import MemoryBus
from mads.bus.unix import Hub
from mads.host.paths import socket_path
from tests.cli.shell import PATIENCE, Mads

COVERS = ("R-023", "R-029", "R-148")

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["parrot.repeat", "parrot_repeat", "mads.parrot.repeat"])
def test_a_tool_goes_by_each_of_its_names(name: str, parlour: Mads) -> None:
    ran = parlour("call", name, "text=hi", "times=2")

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "- hi\n- hi\n", "")


def test_arguments_are_typed_by_the_tools_own_schema_and_the_result_is_exact(parlour: Mads) -> None:
    assert json.loads(parlour("call", "parrot.repeat", "text=007", "times=2", "how=loud", "--json").stdout) == [
        "007",
        "007",
    ]
    assert json.loads(parlour("call", "parrot.tell", 'spoke={"text": "5"}', "--json").stdout) == "5"
    assert json.loads(parlour("call", "parrot.repeat", "-", "--json", stdin='{"text": "x"}').stdout) == ["x"]


def test_a_stream_prints_its_items_as_they_come_or_one_list(parlour: Mads) -> None:
    assert parlour("call", "parrot.count", "upto=3").stdout == "0\n1\n2\n"
    assert json.loads(parlour("call", "parrot.count", "upto=3", "--json").stdout) == [0, 1, 2]


def test_progress_is_shown_on_a_terminal_and_nowhere_else(parlour: Mads) -> None:
    assert parlour("call", "parrot.nap", "seconds=0.01").stderr == ""
    main, ours = pty.openpty()

    ran = parlour("call", "parrot.nap", "seconds=0.01", stderr=ours)

    os.close(ours)
    assert ran.stdout == "awake\n"
    assert "dozing 1/2" in os.read(main, 1024).decode()
    os.close(main)


def test_the_person_who_started_the_system_may_call_what_is_destructive(parlour: Mads) -> None:
    assert parlour("call", "parrot.forget").stdout == "operator\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["parrot.repaet"], "there is no tool 'parrot.repaet'; did you mean parrot.repeat?"),
        (["parrot.repeat"], "write text=…\nparrot.repeat takes text=STRING [times=INTEGER] [how=loud|low]"),
        (["parrot.repeat", "text=hi", "times=x"], "times= wants INTEGER, not 'x'"),
        (["parrot.repeat", "text=hi", "how=big"], "Invalid enum value 'big'"),
        (["parrot.tell", 'spoke={"text": 5}'], "Expected `str`, got `int` - at `$.spoke.text`"),
    ],
)
def test_what_does_not_fit_is_a_wrong_usage_that_says_what_would(words: list[str], told: str, parlour: Mads) -> None:
    ran = parlour("call", *words)

    assert ran.returncode == 2
    assert told in ran.stderr
    assert ran.stdout == ""


def test_a_failure_says_why_and_under_which_request_in_words_and_as_json(parlour: Mads) -> None:
    ran = parlour("call", "parrot.choke")

    assert ran.returncode == 1
    assert re.fullmatch(
        r"Error: ValueError: a nut \(failed, request [0-9a-f-]+\)\n  because: OSError: the shell\n", ran.stderr
    )

    ran = parlour("call", "parrot.choke", "--json")

    error = json.loads(ran.stdout)["error"]
    assert ran.returncode == 1
    assert (error["code"], error["message"]) == ("failed", "ValueError: a nut")
    assert error["cause"] == {"code": "failed", "message": "OSError: the shell"}
    assert error["request"]


def test_an_interrupted_call_is_cancelled_where_it_runs(parlour: Mads) -> None:
    counting = parlour.begin("call", "parrot.count", "upto=1000000", "seconds=0.02")
    assert counting.stdout is not None
    assert counting.stdout.readline() == "0\n"

    counting.send_signal(signal.SIGINT)
    counting.communicate(timeout=PATIENCE)

    assert counting.returncode == 130
    assert "interrupted" in parlour("call", "witness.heard", "text=interrupted").stdout


def test_nothing_that_a_tool_returns_steers_the_terminal(parlour: Mads) -> None:
    assert parlour("call", "parrot.repeat", "text=\x1b[31mred\x9b\ttab").stdout == "- \ufffd[31mred\ufffd\ttab\n"


def test_a_reader_that_leaves_is_no_reason_to_complain(parlour: Mads) -> None:
    counting = parlour.begin("call", "parrot.count", "upto=1000000", "seconds=0.001")
    assert counting.stdout is not None
    assert counting.stdout.readline() == "0\n"
    counting.stdout.close()

    assert counting.wait(PATIENCE) == 1
    assert counting.stderr is not None
    assert counting.stderr.read() == ""
    counting.communicate()


def test_without_a_system_it_says_how_to_start_one(project: Mads) -> None:
    ran = project("call", "parrot.repeat", "text=hi")

    assert ran.returncode == 3
    assert ran.stderr == f"Error: no system runs in {project.folder}; start it there with: mads up\n"
    assert json.loads(project("ps", "--json").stdout)["error"]["code"] == "unreachable"


def test_without_a_project_it_says_how_to_make_one(tmp_path: Path) -> None:
    ran = Mads(tmp_path)("ps")

    assert ran.returncode == 2
    assert "make a project with: mads new NAME" in ran.stderr


def test_notes_ride_along_and_are_bounded(parlour: Mads) -> None:
    plain = parlour("call", "parrot.repeat", "text=hello", "--json")
    assert (
        parlour("call", "parrot.repeat", "text=hello", "--notes", "say goodbye instead", "--json").stdout
        == plain.stdout
    )

    ran = parlour("call", "parrot.repeat", "text=hello", "--notes", "x" * 4097)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "notes of 4097 characters are too long; 4096 may ride along with a call" in ran.stderr


async def test_a_system_that_does_not_serve_yet_is_told_of(project: Mads) -> None:
    hub = Hub(MemoryBus())
    await hub.listen(socket_path(project.folder), vouch=lambda call: call, may_serve=lambda _: False)
    try:
        ran = await asyncio.to_thread(project, "ps")
    finally:
        await hub.close()

    assert ran.returncode == 3
    assert ran.stderr == f"Error: the system in {project.folder} is starting or stopping; try again in a moment\n"
