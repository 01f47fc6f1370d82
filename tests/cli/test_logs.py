"""`mads logs` shows what all processes logged, follows it over a restart, and works where nothing runs.

Does not cover which lines are written, nor how.
"""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from tests.cli.shell import PATIENCE, Mads, up

COVERS = ("R-127",)

pytestmark = pytest.mark.slow


def failed_once(mads: Mads) -> str:
    """Have a tool fail; return the id of the request."""
    request: str = json.loads(mads("call", "parrot.choke", "--json").stdout)["error"]["request"]
    return request


def as_json(mads: Mads, *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in mads("logs", "--json", *words).stdout.splitlines()]


def test_a_request_leads_to_its_lines_also_after_the_system_has_ended(project: Mads) -> None:
    with up(project.folder):
        request = failed_once(project)
        live = as_json(project, "--request", request)
    assert [(line["mad"], line["level"], line["request"]) for line in live] == [("parrot", "error", request)]
    assert as_json(project, "--trace", live[0]["trace"]) == live
    assert as_json(project, "--mad", "parrot", "--level", "error", "-n", "1") == live

    ran = project("logs", "--request", request)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"parrot: handler failed name=choke request={request}" in ran.stdout
    assert "\n  Traceback" in ran.stdout
    assert project("logs", "--trace", "0" * 32).stderr == "No line is there that fits.\n"


def test_who_follows_sees_the_next_system_too_until_ctrl_c(project: Mads) -> None:
    follower = project.begin("logs", "-f", "--json", "--level", "error")
    assert follower.stdout is not None
    for _ in range(2):
        with up(project.folder):
            request = failed_once(project)
            assert json.loads(follower.stdout.readline())["request"] == request
    follower.send_signal(signal.SIGINT)
    follower.communicate(timeout=PATIENCE)
    assert follower.returncode == 130


def test_what_cannot_be_asked_is_refused_in_words(project: Mads) -> None:
    ran = project("logs", "--level", "loud")
    assert (ran.returncode, "'loud' is not one of 'debug', 'info'" in ran.stderr) == (2, True)
    ran = project("logs", "--trace", "nope", "--json")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "No line is there that fits.\n")
    ran = project("logs", "--mad", "nobody", "--json")
    assert (ran.returncode, "there is no MAD 'nobody'" in ran.stdout) == (2, True)
