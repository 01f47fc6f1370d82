"""The listening socket: it is its owner's alone, replaces what is dead, and leaves nothing behind."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from mads.bus.memory import MemoryBus
from mads.bus.unix import Hub, connect
from mads.testing.bus_suite.scene import Scene, answer, call
from mads.wire.errors import ConfigError, Unreachable
from tests.conformance.adapters import hub

COVERS = ("R-039",)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "own" / "mads.sock"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def is_there(path: Path) -> bool:
    return path.exists()


def make_folder(path: Path, mode: int = 0o700) -> None:
    path.parent.mkdir(mode=mode)


def write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.write_text(text)


def read(path: Path) -> str:
    return path.read_text()


async def listen(hub: Hub, path: Path) -> None:
    await hub.listen(path, vouch=lambda call: call, may_serve=lambda _: False)


async def test_whoever_connects_calls_what_is_served(path: Path) -> None:
    async with hub() as (bus, between):
        await bus.subscribe(["mads.echo.*"], Scene(), at_once=2)
        await listen(between, path)

        for word in ("one", "two"):
            client = await connect(path)
            assert answer(await client.request(call("mads.echo.say", word))) == word
            await client.drain(1)


async def test_the_socket_and_its_folder_are_their_owners_alone(path: Path) -> None:
    async with hub() as (_, between):
        await listen(between, path)

        assert mode(path) == 0o600
        assert mode(path.parent) == 0o700


async def test_a_folder_that_others_may_enter_is_refused(path: Path) -> None:
    make_folder(path, 0o755)

    with pytest.raises(ConfigError, match=f"chmod 700 {path.parent}"):
        await listen(Hub(MemoryBus()), path)

    assert not is_there(path)


async def test_a_closed_hub_is_unreachable_and_its_socket_gone(path: Path) -> None:
    async with hub() as (_, between):
        await listen(between, path)

    assert not is_there(path)
    with pytest.raises(Unreachable, match="`mads up`"):
        await connect(path)


async def test_a_system_that_listens_is_not_replaced(path: Path) -> None:
    async with hub() as (bus, between):
        await bus.subscribe(["mads.echo.*"], Scene())
        await listen(between, path)

        with pytest.raises(ConfigError, match="already"):
            await listen(Hub(MemoryBus()), path)

        client = await connect(path)
        assert answer(await client.request(call("mads.echo.say", "here"))) == "here"
        await client.drain(1)


async def test_the_socket_of_a_dead_system_is_replaced(path: Path) -> None:
    make_folder(path)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async with hub() as (_, between):
        await listen(between, path)

        await (await connect(path)).drain(1)


async def test_a_socket_that_has_become_anothers_is_left_alone(path: Path) -> None:
    async with hub() as (_, between):
        await listen(between, path)
        write(path, "mine")

    assert read(path) == "mine"


async def test_what_is_no_socket_is_not_replaced(path: Path) -> None:
    make_folder(path)
    write(path, "notes")

    with pytest.raises(ConfigError, match="not a socket"):
        await listen(Hub(MemoryBus()), path)

    assert read(path) == "notes"


async def test_a_path_that_is_too_long_is_refused_with_the_length_that_is_not(path: Path) -> None:
    with pytest.raises(ConfigError, match="at most 103 bytes"):
        await listen(Hub(MemoryBus()), path.parent / ("x" * 104))
