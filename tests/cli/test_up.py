"""`mads up` starts everything, says where it is, and leaves nothing behind however it ends."""

from __future__ import annotations

import os
import signal
import time
import urllib.request
from pathlib import Path
from typing import IO

import pytest

from mads.cli.ending import LATE, LIMIT, SAID
from tests.cli.shell import PATIENCE, Mads, up

COVERS = ("R-020", "R-042", "R-148", "R-152")

pytestmark = pytest.mark.slow


def family(pid: int) -> set[int]:
    """Return the ids of a process and of everything that descends from it."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    own = [int(child) for file in children for child in file.read_text(encoding="ascii").split()]
    return {pid}.union(*map(family, own))


def until_gone(processes: set[int]) -> None:
    """Return once none of `processes` lives any more."""
    end = time.monotonic() + PATIENCE
    while left := {pid for pid in processes if Path(f"/proc/{pid}").exists()}:
        assert time.monotonic() < end, f"still there: {left}"
        os.sched_yield()


def catches(pid: int, number: signal.Signals) -> bool:
    """Return whether a process has a handler for a signal."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return bool(int(status.partition("SigCgt:")[2].split()[0], 16) >> (number - 1) & 1)


def until(told: str, stream: IO[str] | None) -> None:
    """Return once a line of `stream` says what is `told`."""
    assert stream is not None
    for line in stream:
        if told in line:
            return
    pytest.fail(f"nothing says {told!r}")


@pytest.mark.v1
def test_one_command_says_what_runs_where_and_how_to_connect(project: Mads) -> None:
    process = project.begin("up")
    assert process.stdout is not None
    lines = list(iter(process.stdout.readline, "Nothing listens on any other address. Ctrl-C ends it.\n"))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)

    said = "".join(lines)
    assert process.returncode == 0
    assert f"{project.folder} runs as process {process.pid}" in said
    assert [line.split()[:2] for line in lines if line.startswith(("parrot ", "witness ", "steward "))] == [
        ["parrot", "here"],
        ["witness", "process"],
        ["steward", "here"],
    ]
    address = said.partition("The gateway is at ")[2].partition("\n")[0]
    assert address.startswith("http://127.0.0.1:")
    assert said.count(address) >= 4
    assert "claude mcp add" in said
    assert "code --add-mcp" in said
    assert "modelcontextprotocol/inspector" in said
    assert "anonymous developer, and may call every tool that is not destructive" in said


def test_the_gateway_answers_where_it_says(project: Mads) -> None:
    with up(project.folder) as (_, ready):
        page = urllib.request.urlopen(ready["address"].removesuffix("mcp"), timeout=PATIENCE)  # noqa: S310  our own
        with page:
            assert ready["address"] in page.read().decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_every_process_even_in_the_middle_of_a_call(number: signal.Signals, project: Mads) -> None:
    with up(project.folder) as (process, ready):
        processes = family(process.pid)
        assert {status["pid"] for status in ready["mads"]} <= processes
        call = project.begin("call", "parrot.count", "upto=1000000", "seconds=0.01")
        assert call.stdout is not None
        call.stdout.readline()

        process.send_signal(number)

        assert process.wait(PATIENCE) == 0
        until_gone(processes)
        call.communicate(timeout=PATIENCE)
        assert call.returncode == 1
    assert "no system runs" in project("ps").stderr


def test_a_second_signal_ends_it_at_once_even_where_a_mad_holds_up_the_loop(project: Mads) -> None:
    with up(project.folder) as (process, _):
        processes = family(process.pid)
        call = project.begin("call", "parrot.hold_breath")
        until("held up", process.stderr)

        process.send_signal(signal.SIGINT)
        while catches(process.pid, signal.SIGINT):
            os.sched_yield()
        process.send_signal(signal.SIGINT)

        assert process.wait(PATIENCE) == -signal.SIGINT
        until_gone(processes)
        call.communicate(timeout=PATIENCE)


def test_a_single_signal_ends_it_in_time_even_where_a_mad_holds_up_the_loop(project: Mads) -> None:
    with up(project.folder) as (process, _):
        processes = family(process.pid)
        call = project.begin("call", "parrot.hold_breath")
        until("held up", process.stderr)

        process.send_signal(signal.SIGTERM)

        assert SAID < LIMIT < 2
        assert process.wait(PATIENCE) == 1
        until(LATE.strip(), process.stderr)
        until_gone(processes)
        call.communicate(timeout=PATIENCE)


def test_a_child_that_holds_up_its_loop_does_not_keep_the_system_from_ending_in_order(project: Mads) -> None:
    file = project.folder / "mads.toml"
    file.write_text(file.read_text().replace('"parlour:Parrot"', '{ use = "parlour:Parrot", run = "process" }'))
    with up(project.folder) as (process, _):
        processes = family(process.pid)
        call = project.begin("call", "parrot.hold_breath")
        until("the loop is blocked", process.stderr)

        process.send_signal(signal.SIGTERM)

        assert process.wait(PATIENCE) == 0
        until_gone(processes)
        call.communicate(timeout=PATIENCE)


def test_killed_it_leaves_no_child_and_starts_again(project: Mads) -> None:
    with up(project.folder) as (process, _):
        processes = family(process.pid)
        process.kill()
        process.wait(PATIENCE)
        until_gone(processes)

    with up(project.folder):
        assert project("call", "parrot.repeat", "text=again").stdout == "- again\n"


def test_interrupted_while_it_starts_it_leaves_nothing_behind(project: Mads) -> None:
    with (project.folder / "mads.toml").open("a", encoding="utf-8") as file:
        file.write('sleeper = { use = "parlour:Sleeper", run = "process" }\n')
    process = project.begin("up")
    until("never ready", process.stderr)
    processes = family(process.pid)

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)

    assert process.returncode == 0
    until_gone(processes)


def test_a_system_that_runs_already_is_not_started_twice(project: Mads) -> None:
    with up(project.folder) as (process, _):
        ran = project("up")

        assert ran.returncode == 2
        assert f"this system runs already, as process {process.pid}" in ran.stderr
        assert project("call", "parrot.repeat", "text=still").stdout == "- still\n"


def test_what_cannot_start_is_refused_with_the_line_to_write(project: Mads) -> None:
    (project.folder / "mads.toml").write_text('[mads]\nparrot = "parlor:Parrot"\n', encoding="utf-8")

    ran = project("up")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "no module 'parlor'" in ran.stderr
    assert not [path for path in project.folder.iterdir() if path.name != "mads.toml"]
