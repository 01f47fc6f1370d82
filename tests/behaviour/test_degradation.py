"""Each MAD of a system off in turn: stopped, killed, broken; the rest does what was declared, in every placement.

Covers breakers, fallbacks and switches together, as callers see them. Does not cover their arithmetic.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import Any

import pytest

from mads import Broken, CallError, Denied, NoResponder, Stopped
from mads.author.message import subject
from mads.author.signals import BreakerChanged
from mads.host.breakers import BreakerConfig
from mads.host.config import MadConfig
from mads.host.fallbacks import FallbackConfig
from mads.testing.placed import Placed
from mads.wire import codec
from mads.wire.call import Call, Identity, Reply
from mads.wire.status import BreakerInfo, Status
from tests.behaviour.conftest import Troupe

COVERS = ("R-113", "R-115")

SYSTEM: dict[str, Any] = {
    "breakers": (BreakerConfig(mad="station", least=4, pause="100 ms"), BreakerConfig(tool="mads.almanac.*", least=4)),
    "fallbacks": (
        FallbackConfig(tool="mads.station.read", use="mads.almanac.typical"),
        FallbackConfig(tool="mads.almanac.typical", value={"degrees": 20.0, "source": "guess"}),
        FallbackConfig(tool="mads.station.history", value=[]),
    ),
    **{
        name: MadConfig(f"tests.behaviour.weather:{name.capitalize()}", restart="temporary")
        for name in ("station", "almanac", "front")
    },
}


async def stopped(it: Placed, mad: str) -> None:
    await it.call("steward.stop", principal="operator", what=mad, why="it rains in")


async def broken(it: Placed, mad: str) -> None:
    """Have the breaker of a MAD open, in the way of a MAD that fails."""
    for _ in range(8):
        with suppress(CallError):
            await it.call(f"{mad}.read", place="nowhere")


async def killed(it: Placed, mad: str) -> None:
    """Have a MAD end that nobody starts again."""
    if (pid := (await fares(it, mad)).pid) != os.getpid():
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(5):
            while (await fares(it, mad)).state == "running":
                await asyncio.sleep(0.01)
    else:  # what is in the core ends with it; it can only be put to rest
        await it.system.supervisor.places[mad].stop()


async def fares(it: Placed, mad: str) -> Status:
    return next(status for status in await it.system.status() if status.mad == mad)


def breaker_of(status: Status) -> BreakerInfo:
    (breaker,) = status.breakers
    return breaker


MATRIX: dict[tuple[str, Any], dict[str, Any]] = {
    ("station", stopped): {"tell": "5 degrees, says the almanac", "before": 0, "usual": "almanac"},
    ("station", killed): {"tell": "5 degrees, says the almanac", "before": 0, "usual": "almanac"},
    ("station", broken): {"tell": "5 degrees, says the almanac", "before": 0, "usual": "almanac"},
    ("almanac", stopped): {"tell": "5 degrees, says the station", "before": 0, "usual": "guess"},
    ("almanac", killed): {"tell": "5 degrees, says the station", "before": 0, "usual": "guess"},
    ("front", stopped): {"tell": Stopped, "before": Stopped, "usual": Stopped},
    ("front", killed): {"tell": NoResponder, "before": NoResponder, "usual": NoResponder},
}


@pytest.mark.slow
@pytest.mark.parametrize(("mad", "how"), MATRIX, ids=[f"{mad} {how.__name__}" for mad, how in MATRIX])
async def test_with_each_mad_off_in_turn_the_rest_does_what_it_declared(troupe: Troupe, mad: str, how: Any) -> None:
    async with troupe(**SYSTEM) as it:
        await how(it, mad)
        for tool, expected in MATRIX[mad, how].items():
            if isinstance(expected, type):
                with pytest.raises(expected):
                    await it.call(f"front.{tool}", place="haven")
            else:
                assert await it.call(f"front.{tool}", place="haven") == expected, tool
        for name in {"station", "almanac", "front"} - {mad}:
            assert (await fares(it, name)).state == "running"


async def test_all_that_stands_in_may_be_off_too_and_the_last_resort_is_a_value(troupe: Troupe) -> None:
    async with troupe(**SYSTEM) as it:
        await stopped(it, "station")
        await stopped(it, "almanac")
        assert await it.call("front.tell", place="haven") == "20 degrees, says the guess"
        assert await it.call("station.read", place="haven") == {"degrees": 20.0, "source": "guess"}


async def test_who_may_not_call_a_tool_gets_nothing_of_what_stands_in_for_it(troupe: Troupe) -> None:
    async with troupe(**SYSTEM) as it:
        await stopped(it, "station")
        with pytest.raises(CallError) as caught:
            await it.call("station.read", principal=Identity("eve", roles=("none",)), place="haven")
        assert isinstance(caught.value, Stopped)
        assert isinstance(caught.value.__cause__, Denied)


async def test_a_breaker_opens_is_told_of_tries_again_and_closes(troupe: Troupe) -> None:
    told: list[str] = []

    async def hear(call: Call) -> Reply:
        event = codec.decode(codec.raw(call.body), BreakerChanged)
        told.append(f"{event.what} {event.was} {event.now}")
        return Reply()

    rules = {**SYSTEM, "fallbacks": ()}
    async with troupe(**rules) as it:
        await it.bus.subscribe((subject(BreakerChanged),), hear)
        for _ in range(4):
            with pytest.raises(CallError, match="the wire is cut"):
                await it.call("station.read", place="nowhere")
        with pytest.raises(Broken, match=r"mads\.station\.read is not answered: station is left alone") as caught:
            await it.call("station.read", place="haven")
        assert caught.value.retry_after is not None
        seen = await fares(it, "station")
        assert (seen.health, breaker_of(seen).state, "4 of its last 4 calls failed" in seen.why) == (
            "yellow",
            "open",
            True,
        )
        assert it.system.shown("station").breakers[0].state == "open"
        page = (await it.system.figures(""))[0].decode()
        assert 'mads_breaker{mad="station",of="station",state="open"} 1.0' in page
        async with asyncio.timeout(5):
            while True:
                with suppress(Broken):
                    assert await it.call("station.read", place="haven")
                    break
        assert breaker_of(await fares(it, "station")).state == "closed"
        async with asyncio.timeout(5):
            while len(told) < 3:
                await asyncio.sleep(0.01)
        assert told == ["station closed open", "station open half-open", "station half-open closed"]
