"""What is `Sensitive` is found nowhere: planted by every door, looked for in every file and every answer.

Covers events published by hand, also what is no event or does not fit, results that do not fit, and what messages say
of themselves. Does not cover what a MAD puts into a value that nobody calls sensitive.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mads import CallError
from mads.host.paths import data_folder
from mads.testing.placed import Heard, Placed
from mads.wire import codec
from tests.behaviour.conftest import Troupe
from tests.behaviour.mint import CANARY, Die, Metal, Shown, Struck
from tests.behaviour.test_record import body, entries

COVERS = ("R-055",)

MINT: dict[str, Any] = {"mint": "tests.behaviour.mint:Mint"}
DIE = {"name": "sovereign", "mark": CANARY}
BY_HAND = [
    ("Shown", {"die": DIE}, {"die": {"name": "sovereign", "mark": "[sensitive]"}}),
    ("Shown", {"die": DIE, "times": CANARY}, "[sensitive]"),
    ("Shown", {"dei": DIE}, "[sensitive]"),
    ("Struck", {"die": DIE, "metal": CANARY}, "[sensitive]"),
    ("Struck.v7", {"die": DIE, "metal": "gold"}, "[sensitive]"),
    ("nothing", {"mark": CANARY}, "[sensitive]"),
]


async def told(it: Placed) -> bytes:
    """Return all that the system says of itself to its operator."""
    answers: list[Any] = []
    for verb in ("conversations_export", "capture_dataset"):
        heard = Heard()
        await it.call(f"steward.{verb}", principal="operator", heard=heard)
        answers.append(heard.items)
    letters = (await it.call("steward.dead_list", principal="operator"))["letters"]
    answers += [await it.call("steward.dead_show", principal="operator", letter=letter["id"]) for letter in letters]
    lines = await it.call("steward.traces", principal="operator", limit=100, control=True)
    answers += [await it.call("steward.trace", principal="operator", id=line["trace"]) for line in lines]
    page, _ = await it.system.figures("")
    return codec.encode([letters, lines, answers, page])


def files(it: Placed) -> bytes:
    """Return all files but those in which dead letters wait, to be delivered after all."""
    folder = data_folder(Path(it.system.config.root))
    return b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file() and "store.sqlite" not in p.name)


async def test_what_an_event_by_hand_calls_sensitive_is_not_on_record(troupe: Troupe) -> None:
    async with troupe(**MINT) as it:
        for event, fields, _ in BY_HAND:
            with suppress(CallError):
                await it.call("steward.emit", principal="operator", event=event, body=fields)
        asked = [await body(it, one.asked) for one in await entries(it) if one.subject == "mads.steward.emit"]
        assert asked == [{"event": event, "body": kept} for event, _, kept in BY_HAND]


async def test_a_canary_is_found_in_no_answer_and_in_no_log(troupe: Troupe) -> None:
    async with troupe(**MINT) as it:
        for event, fields, _ in BY_HAND:
            with suppress(CallError):
                await it.call("steward.emit", principal="operator", event=event, body=fields)
        await it.call("steward.emit", principal="operator", event="Struck", body={"die": DIE, "metal": "gold"})
        for tool in ("lend", "keep", "show"):
            with suppress(CallError):
                await it.call(f"mint.{tool}", die=DIE)
        async with asyncio.timeout(5):
            while len([one for one in await entries(it) if one.subject.endswith("Shown.v1")]) < 2:
                await asyncio.sleep(0.01)
        assert CANARY.encode() not in await told(it)
        assert CANARY.encode() not in files(it)
        assert b"sovereign" in files(it)


async def test_an_error_that_quotes_a_value_is_told_without_what_is_sensitive(troupe: Troupe) -> None:
    async with troupe(**MINT) as it:
        for tool in ("lend", "keep"):
            with pytest.raises(CallError) as raised:
                await it.call(f"mint.{tool}", die=DIE)
            assert CANARY not in str(raised.value)
            assert "[sensitive]" in str(raised.value)


@pytest.mark.parametrize("how", ["call", "stream", "gather"])
async def test_what_a_mad_is_answered_is_not_in_what_it_logs_or_how_it_fails(troupe: Troupe, how: str) -> None:
    async with troupe(**MINT, assayer="tests.behaviour.mint:Assayer") as it:
        with pytest.raises(CallError, match=r"\[sensitive\]") as raised:
            await it.call("assayer.assay", how=how)
        await it.call("assayer.chat")
        async with asyncio.timeout(5):
            while b"it may say canary" not in files(it):
                await asyncio.sleep(0.01)
        assert b"it says [sensitive]" in files(it)
        assert CANARY.encode() not in files(it)
        assert CANARY not in str(raised.value)


def test_a_message_shows_itself_without_what_is_sensitive() -> None:
    die = Die("sovereign", CANARY)
    assert repr(die) == "Die(name='sovereign', mark=[sensitive])"
    assert repr(Struck(die, Metal.GOLD)) == "Struck(die=[sensitive], metal=[sensitive])"
    assert repr(Shown(die)) == "Shown(die=[sensitive], times=1)"
