"""A full disk, a corrupt file: refused with a sentence that says why, and nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import resource
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from chaos.ledger import Ledger
from chaos.report import Broken, Outcome
from chaos.world import MADS, World

from mads.wire.errors import CallError, StoreError, Unreachable

ROOM = "24m"
"""The size of the disk that is to be filled."""
FULL = ("disk is full", "disk refuses")


async def full_disk(folder: Path) -> Outcome:
    """Fill the disk under load, make room again, kill and restart."""
    ledger = Ledger(folder)
    async with (
        _small_disk(folder / "project") as enter,
        World(folder / "project", *ledger.crew(), command=(*enter, MADS)) as world,
    ):
        async with ledger.load(world):
            await ledger.flows(world)
            how, said = await _filled(world, enter)
            await ledger.flows(world)
            await world.kill()
            await world.line.close()
            await world.start()
            await ledger.flows(world)
        found = await ledger.count(world)
    return Outcome("full disk", f"{how}; a caller was told: {said}", str(found), found.broke, found.figures)


async def _filled(world: World, enter: tuple[str, ...]) -> tuple[str, str]:
    """Fill the disk of `world` until a caller is refused, then make room; return how it was filled, what was said."""
    if not enter:  # the kernel lets nobody mount anything here: its limit on files' sizes does nearly the same
        limit = resource.prlimit(world.pid, resource.RLIMIT_FSIZE, (world.store.stat().st_size // 2, -1))
        said = await _refused(world)
        resource.prlimit(world.pid, resource.RLIMIT_FSIZE, limit)
        return "files limited by the kernel (EFBIG)", said
    ballast = str(world.store.with_name("ballast"))
    filling = await asyncio.create_subprocess_exec(*enter, "dd", "if=/dev/zero", f"of={ballast}", "bs=4k", stderr=PIPE)
    _, wrote = await filling.communicate()
    if b"No space left on device" not in wrote:
        raise Broken(f"the disk did not fill: {wrote.decode()}")
    said = await _refused(world)
    removing = await asyncio.create_subprocess_exec(*enter, "rm", ballast)
    await removing.wait()
    return f"ENOSPC on a disk of {ROOM}", said


async def _refused(world: World) -> str:
    """Send until that is refused for want of room; return what was said."""
    for number in range(10_000):
        try:
            await world.line.call("desk.keep", job={"key": "filling", "number": -number})
        except (CallError, StoreError, Unreachable) as error:
            if any(sign in str(error) for sign in FULL):
                return str(error).rpartition(": ")[2]
    raise Broken("nobody was refused")


@asynccontextmanager
async def _small_disk(root: Path) -> AsyncGenerator[tuple[str, ...]]:
    """Mount a small disk where the project in `root` keeps its data; yield the words that run a command beside it.

    Without words, where the kernel does not let us mount.
    """
    data = root / ".mads"
    data.mkdir(parents=True)
    mount = f'mount -t tmpfs -o size={ROOM},mode=700 none "$0" && echo ready && exec sleep 300'
    holder = await asyncio.create_subprocess_exec(
        *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, str(data)), stdout=PIPE
    )
    assert holder.stdout is not None
    try:
        is_ready = await holder.stdout.readline() == b"ready\n"
        enter = ("nsenter", f"--target={holder.pid}", "--user", "--mount", "--preserve-credentials", f"--wd={root}")
        yield enter if is_ready else ()
    finally:
        if holder.returncode is None:
            holder.kill()
        await holder.wait()


async def corrupt_log(folder: Path) -> Outcome:
    """Flip a byte in the log that a kill has left; put it back."""
    return await _corrupt("corrupt log", folder, "store.sqlite-wal", 20_000, 1)


async def corrupt_database(folder: Path) -> Outcome:
    """Flip a run of bytes in the database of a system that was stopped; put them back."""
    return await _corrupt("corrupt database", folder, "store.sqlite", 4096, 512)


async def _corrupt(fault: str, folder: Path, name: str, place: int, count: int) -> Outcome:
    ledger = Ledger(folder)
    async with World(folder / "project", *ledger.crew()) as world:
        async with ledger.load(world):
            await ledger.flows(world)
            await (world.kill() if name.endswith("-wal") else world.stop())
            await world.line.close()
        file = world.store.with_name(name)
        whole = flip(file, place, count)
        flipped = file.read_bytes()
        said = await world.refusal()
        missed = "" if f"{file}: it is damaged" in said else f"it was refused otherwise: {said}"
        if put(file, whole) != flipped:
            missed = f"{file} was changed by a start that was refused"
        await world.start()
        found = await ledger.count(world)
    proof = f"{count} of {len(whole)} bytes flipped; refused: it is damaged"
    return Outcome(fault, proof, str(found), missed or found.broke, found.figures)


def flip(file: Path, place: int, count: int) -> bytes:
    """Flip so many bytes of a file; return what it held before."""
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[place : place + count] = bytes(byte ^ 0xFF for byte in whole[place : place + count])
    return put(file, bytes(flipped))


def put(file: Path, content: bytes) -> bytes:
    """Write a file; return what it held before."""
    before = file.read_bytes()
    file.write_bytes(content)
    return before
