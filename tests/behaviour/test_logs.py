"""What a MAD logs says during which call it was said, in the system's one log, wherever the MAD runs.

Does not cover the file itself, nor `mads logs`.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import closing
from pathlib import Path

import pytest

from mads import Failed
from mads.host.paths import data_folder
from mads.observe.line import Line
from mads.observe.logread import Log, Wanted
from tests.behaviour.conftest import Troupe
from tests.behaviour.troupe import Tree

COVERS = ("R-127", "R-130")


def logged(folder: Path, **wanted: str) -> list[Line]:
    with closing(Log(data_folder(folder), Wanted(**wanted))) as log:
        return log.last(100)


async def until_logged(folder: Path, **wanted: str) -> Line:
    async with asyncio.timeout(5):
        while not (lines := logged(folder, **wanted)):
            await asyncio.sleep(0.01)
        return lines[0]


async def test_a_line_of_a_mad_names_the_call_in_which_it_was_said(troupe: Troupe, tmp_path: Path) -> None:
    async with troupe("tree", "gardener") as it:
        await it.call("gardener.whisper_below", conversation="c-7", text="hush")
        line = await until_logged(tmp_path, mad="tree")
        pid = await it.mad(Tree).where()

    assert (line.event, line.facts, line.pid) == ("whispered", {"text": "hush", "trace": "mine"}, pid)
    assert (line.conversation, line.tenant, len(line.trace), len(line.span)) == ("c-7", "default", 32, 16)
    (above,) = logged(tmp_path, mad="gardener")
    assert (above.trace, above.conversation) == (line.trace, "c-7")
    assert (above.request, line.request != above.request) == ("test-1", True)
    assert logged(tmp_path, trace=line.trace, conversation="c-7", request=line.request) == [line]


async def test_an_error_is_found_by_the_request_that_its_caller_was_told(troupe: Troupe, tmp_path: Path) -> None:
    async with troupe("tree") as it:
        with pytest.raises(Failed) as caught:
            await it.call("tree.break_", how="raise")
        line = await until_logged(tmp_path, request=caught.value.request)
    assert (line.mad, line.event, line.level) == ("tree", "handler failed", "error")
    assert "a branch broke" in line.facts["exception"]


async def test_what_is_sensitive_is_not_said_however_it_is_said(troupe: Troupe, tmp_path: Path) -> None:
    async with troupe("tree") as it:
        with pytest.raises(Failed):
            await it.call("tree.confide", secret={"name": "door", "word": "open sesame"}, pin=471147)
        line = await until_logged(tmp_path, mad="tree", level="error")
        said = logged(tmp_path, request=line.request)
    assert [it.event for it in said] == ["the word is [sensitive]", "handler failed"]
    hidden = {"name": "door", "word": "[sensitive]"}
    assert said[0].facts == {"secret": hidden, "all": {"it": [hidden]}, "pin": "[sensitive]", "name": "door"}
    text = (data_folder(tmp_path) / "log.jsonl").read_text(encoding="utf-8")
    assert "sesame" not in text
    assert "471147" not in text


async def test_what_a_child_logged_before_it_was_killed_is_there(
    troupe: Troupe, tmp_path: Path, placement: str
) -> None:
    if placement == "here":
        return
    async with troupe("tree") as it:
        pid = await it.mad(Tree).where()
        await it.call("tree.whisper", text="last words")
        os.kill(pid, 9)
        assert (await until_logged(tmp_path, mad="tree")).facts["text"] == "last words"
