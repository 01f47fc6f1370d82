"""Nobody is believed about who they are: the core says who calls, and what they may serve.

Covers a child process and whoever opens the system's socket, both lying. Does not cover code in the core process, which
nothing holds.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

import pytest

from mads import Denied, Lost, NoResponder
from mads.bus.unix import UnixBus, connect
from mads.host.config import MadConfig
from mads.host.paths import socket_path
from mads.testing.placed import Placed, placed
from mads.wire import codec
from mads.wire.call import Call, Reply
from tests.host.impostor import Impostor, Witness, lying, theft

COVERS = ("R-039",)

HERE = "tests.host.impostor"
ROOT = str(Path(__file__).parents[2])


def the_two(folder: Path) -> AbstractAsyncContextManager[Placed]:
    impostor = MadConfig(f"{HERE}:Impostor", calls=("mads.witness.caller",))
    return placed(folder, "process", path=(ROOT,), witness=f"{HERE}:Witness", impostor=impostor)


@asynccontextmanager
async def from_outside(folder: Path) -> AsyncGenerator[UnixBus]:
    bus = await connect(socket_path(folder))
    yield bus
    await bus.drain(1)


@pytest.mark.slow
async def test_a_child_that_lies_calls_for_its_caller_or_for_itself(tmp_path: Path) -> None:
    async with the_two(tmp_path) as it:
        impostor = it.mad(Impostor, principal="ana")
        assert await impostor.pretend(cause=True) == "ana for default"
        assert await impostor.pretend(cause=False) == "mad:impostor for default"


@pytest.mark.slow
async def test_a_child_that_lies_neither_reads_nor_serves_what_is_anothers(tmp_path: Path) -> None:
    async with the_two(tmp_path) as it:
        assert await it.mad(Impostor).steal() == "denied"
        assert await it.mad(Impostor).usurp() == "Denied"


@pytest.mark.slow
async def test_a_child_that_lies_raises_an_alarm(tmp_path: Path) -> None:
    async with the_two(tmp_path) as it:
        impostor, witness = it.mad(Impostor, principal="ana"), it.mad(Witness)
        await impostor.pretend(cause=True)
        forged = await witness.alarmed("identity_forged")
        assert (forged.mad, forged.principal, forged.subject) == ("impostor", "ana", "mads.witness.caller")
        assert forged.why == "it said that it is 'witness'"
        await impostor.usurp()
        usurped = await witness.alarmed("service_usurped")
        assert (usurped.mad, usurped.subject) == ("impostor", "mads.witness.*")


@pytest.mark.slow
async def test_a_child_that_serves_no_more_is_not_well_and_is_replaced(tmp_path: Path) -> None:
    whys = {
        "seal": "it stopped serving, but not its process",
        "lie": "the other process broke the protocol: only a hub",
    }
    async with the_two(tmp_path) as it:
        for restarts, (how, why) in enumerate(whys.items(), 1):
            with suppress(Lost, NoResponder):
                await it.mad(Impostor).desert(how)
            seen = set[tuple[str, str]]()
            while (now := (await it.system.status())[1]).restarts < restarts or now.state != "running":
                seen.add((now.state, now.health))
                assert now.why or now.state == "running"
                await asyncio.sleep(0.02)
            assert now.why.startswith(why)
            assert ("restarting", "red") in seen
            assert await it.mad(Impostor).steal() == "denied"


@pytest.mark.slow
async def test_a_child_serves_from_its_seat_alone(tmp_path: Path) -> None:
    async with the_two(tmp_path) as it:
        assert "only the seat of impostor serves this" in await it.mad(Impostor).intrude()


@pytest.mark.slow
async def test_a_child_that_talks_nonsense_of_itself_hides_nobody(tmp_path: Path) -> None:
    async with the_two(tmp_path) as it:
        await it.mad(Impostor).babble()
        assert {status.mad: status.state for status in await it.system.status()} == {
            "witness": "running",
            "impostor": "running",
            "steward": "running",
        }


async def test_whoever_comes_through_the_socket_is_the_operator_whatever_they_say(tmp_path: Path) -> None:
    async with placed(tmp_path, path=(ROOT,), witness=f"{HERE}:Witness"), from_outside(tmp_path) as bus:
        reply = await bus.request(lying("mads.witness.caller", {}))
        assert codec.decode(codec.raw(reply.body), str) == "operator for default"


async def test_whoever_comes_through_the_socket_neither_reads_nor_serves_what_is_a_mads(tmp_path: Path) -> None:
    async def answer(_: Call) -> Reply:
        return Reply()

    async with placed(tmp_path, path=(ROOT,), witness=f"{HERE}:Witness"), from_outside(tmp_path) as bus:
        reply = await bus.request(theft())
        assert reply.failure is not None
        assert reply.failure.code == "denied"
        with pytest.raises(Denied):
            await bus.subscribe(("mads.witness.*",), answer)
