"""A conversation that is erased is nowhere any more: not in the tables, not in free pages, not in a log.

Covers every byte of the folder in which a system keeps its data. Does not cover what MADs keep in `Kept`, which is
theirs, and is told of in the certificate; nor backups.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from mads import Reject
from mads.host.caller import Caller
from mads.host.paths import data_folder
from mads.testing.placed import Placed, known_as, placed
from mads.wire import codec
from tests.behaviour.test_conversations import ask, history, say

COVERS = ("R-147",)

ROOT = str(Path(__file__).parents[2])
CANARY = "a canary sang at the lighthouse, seventeen times"
TABLE = "tests.behaviour.table"


def held_in(folder: Path, text: str) -> list[str]:
    files = [path for path in data_folder(folder).rglob("*") if path.is_file()]
    return [path.name for path in files if text.encode() in path.read_bytes()]


def table(folder: Path) -> AbstractAsyncContextManager[Placed]:
    return placed(folder, path=(ROOT,), ana=f"{TABLE}:Ana", bo=f"{TABLE}:Bo")


async def test_no_byte_of_it_is_left(tmp_path: Path) -> None:
    async with table(tmp_path) as it:
        for number in range(40):
            await say(it, f"@bo fail {number}: {CANARY} {number * 'x'}", "42")
            await say(it, f"@bo {number} stays", "43")
        assert len(await history(it)) == 80
        assert held_in(tmp_path, CANARY) != []

        certificate = await ask(it, "steward.conversations_erase", conversation="42")
        assert held_in(tmp_path, CANARY) == []
        assert (certificate["rows"], certificate["found"], certificate["places"]) == (120, 0, [])
        assert certificate["searched"] > 0
        assert len(await history(it, "43")) == 80
    assert held_in(tmp_path, CANARY) == []
    async with table(tmp_path) as it:
        assert await ask(it, "steward.conversations_certificates") == [certificate]


@pytest.mark.slow
async def test_an_erasure_that_was_killed_is_carried_out_at_the_next_start(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tests.host.erasing", str(tmp_path), CANARY]
    child = await asyncio.create_subprocess_exec(*words, cwd=ROOT, stderr=asyncio.subprocess.DEVNULL)
    async with asyncio.timeout(30):
        assert await child.wait() == -signal.SIGKILL
    assert held_in(tmp_path, CANARY) != []
    async with table(tmp_path) as it:
        assert held_in(tmp_path, CANARY) == []
        (certificate,) = await ask(it, "steward.conversations_certificates")
        assert (certificate["conversation"], certificate["rows"], certificate["lines"] > 0) == ("42", 60, True)
        assert (certificate["searched"], certificate["rewritten"]) == (0, True)
    assert held_in(tmp_path, CANARY) == []


async def test_what_others_said_too_is_told_apart_from_what_is_left(tmp_path: Path) -> None:
    async with table(tmp_path) as it:
        await say(it, f"@bo {CANARY}", "42")
        await say(it, f"@bo {CANARY}", "43")

        certificate = await ask(it, "steward.conversations_erase", conversation="42")
        assert (certificate["found"], certificate["elsewhere"] > 0) == (0, True)
        assert certificate["within"] == ["bodies", "record"]
        assert len(await history(it, "43")) == 2


async def test_a_hold_refuses_and_says_why(tmp_path: Path) -> None:
    async with table(tmp_path) as it:
        await say(it, "@bo hello", "42")
        await ask(it, "steward.conversations_hold", conversation="42", why="case 7 at court")

        with pytest.raises(Reject, match="conversation 42 is held: case 7 at court; release it first"):
            await ask(it, "steward.conversations_erase", conversation="42")
        await ask(it, "steward.conversations_release", conversation="42")
        assert (await ask(it, "steward.conversations_erase", conversation="42"))["rows"] == 3
        with pytest.raises(Exception, match=r"conversation '42' was erased on .* \(certificate 1\)"):
            await history(it)


async def copied(it: Placed, tool: str, **arguments: Any) -> None:
    call = Caller(known_as("tester")).call(f"mads.steward.{tool}", codec.raw(arguments))
    async with it.bus.stream(call) as items:
        async for _ in items:
            pass


async def test_a_certificate_says_where_copies_may_be(tmp_path: Path) -> None:
    async with table(tmp_path) as it:
        await copied(it, "conversations_export", to="/before")
        await say(it, "@bo hello", "42")
        await copied(it, "capture_dataset", to="/srv/all.jsonl")
        await copied(it, "conversations_export", conversation="42", to="/srv/42.jsonl")
        await copied(it, "conversations_export", conversation="43", to="/srv/43.jsonl")

        certificate = await ask(it, "steward.conversations_erase", conversation="42")
        made, others = certificate["copies"][:2], certificate["copies"][2:]
        assert [one[: one.index(" (")] for one in made] == [
            "dataset of the whole record to /srv/all.jsonl",
            "export of conversation 42 to /srv/42.jsonl",
        ]
        assert all(one.endswith(", tester)") for one in made)
        assert [one.split()[0] for one in others] == ["standard", "copies"]


async def label(it: Placed, label: str, turn: int | str = 0) -> list[str]:
    await ask(it, "steward.conversations_label", conversation="42", label=label, turn=turn)
    return [one["label"] for one in await history(it)]


async def test_a_turns_own_label_counts_more_than_that_of_the_whole(tmp_path: Path) -> None:
    async with table(tmp_path) as it:
        await say(it, "@bo fail", "42")

        assert await label(it, "corrected", turn=2) == ["ok", "corrected"]
        said = (await history(it))[0]
        assert await label(it, "failed", turn=said["id"]) == ["failed", "corrected"]
        assert await label(it, "ok", turn=said["id"]) == ["ok", "corrected"]
        assert await label(it, "approved") == ["ok", "corrected"]
        with pytest.raises(Exception, match="has the turns 1 to 2, and no turn 'x'"):
            await label(it, "failed", "x")
        with pytest.raises(Exception, match="has the turns 1 to 2, and no turn 3"):
            await label(it, "ok", turn=3)


async def letters(it: Placed) -> list[Any]:
    return list((await it.call("steward.dead_list"))["letters"])


async def test_the_dead_letters_of_a_conversation_go_with_it(tmp_path: Path) -> None:
    post = "tests.behaviour.post"
    async with placed(tmp_path, path=(ROOT,), desk=f"{post}:Desk", courier=f"{post}:Courier") as it:
        for conversation in ("42", "43"):
            await it.call("courier.post", letter={"text": "hello", "how": "reject"}, conversation=conversation)
        async with asyncio.timeout(10):
            while len(await letters(it)) < 2:
                await asyncio.sleep(0.02)

        certificate = await ask(it, "steward.conversations_erase", conversation="42")
        assert (certificate["commands"], len(await letters(it))) == (1, 1)
