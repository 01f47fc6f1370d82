"""Processes that are killed: whoever waited for them is told at once, and another takes their place."""

from __future__ import annotations

import asyncio
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from mads.bus.unix import Hub, connect
from mads.testing.bus_suite.scene import PATIENCE, answer, call, failure, sent
from tests.conformance.adapters import hub

COVERS = ("R-103",)

PROGRAM = Path(__file__).with_name("processes.py")


@asynccontextmanager
async def process(*arguments: str, descriptors: tuple[int, ...] = ()) -> AsyncGenerator[Process]:
    """Start one of the processes and yield it once it is ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, PROGRAM, *arguments, stdout=PIPE, pass_fds=descriptors
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@asynccontextmanager
async def child_of(hub: Hub) -> AsyncGenerator[Process]:
    ours, theirs = socket.socketpair()
    await hub.attach(ours, vouch=lambda call: call, may_serve=lambda _: True)
    with theirs:
        async with process("child", str(theirs.fileno()), descriptors=(theirs.fileno(),)) as child:
            theirs.close()
            yield child


async def test_what_a_child_was_handling_when_it_was_killed_is_lost_and_another_child_takes_over() -> None:
    async with hub() as (bus, between):
        async with child_of(between) as child:
            assert answer(await bus.request(call("mads.echo.say", "alive"))) == "alive"
            request = call("mads.echo.say", "held")
            (asked,) = sent(bus, request)
            assert answer(await bus.request(call("mads.echo.say", "after it"))) == "after it"

            child.kill()

            async with asyncio.timeout(PATIENCE):
                assert failure(await asked, "lost", request).where == "echo"
            failure(await bus.request(request), "no_responder", request)
        async with child_of(between):
            assert answer(await bus.request(call("mads.echo.say", "again"))) == "again"


async def test_a_hundred_conversations_with_a_child_lose_nothing() -> None:
    async with hub() as (bus, between), child_of(between):

        async def talk(name: int) -> list[str]:
            return [answer(await bus.request(call("mads.echo.say", f"{name}-{turn}"))) for turn in range(20)]

        said = await asyncio.gather(*(talk(name) for name in range(100)))

        assert said == [[f"{name}-{turn}" for turn in range(20)] for name in range(100)]


async def test_what_a_hub_had_not_answered_when_it_was_killed_is_lost_and_another_hub_takes_its_place(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mads.sock"
    async with process("hub", str(path)) as killed:
        client = await connect(path)
        request = call("mads.echo.say", "held")
        (asked,) = sent(client, request)
        assert answer(await client.request(call("mads.echo.say", "after it"))) == "after it"

        killed.kill()

        async with asyncio.timeout(PATIENCE):
            failure(await asked, "lost", request)
        assert path.exists()
    async with process("hub", str(path)):
        client = await connect(path)
        assert answer(await client.request(call("mads.echo.say", "again"))) == "again"
        await client.drain(1)
