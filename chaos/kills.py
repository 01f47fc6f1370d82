"""`kill -9` at random moments under load: the core, a child, both; nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path

from chaos.ledger import Ledger
from chaos.report import Broken, Outcome
from chaos.world import World

KINDS = ("core", "child", "child", "both", "child", "child")
"""What is killed, in turn: not one child so often in a row that the rule gives it up."""


async def kills(folder: Path, count: int = 50, seed: int = 3) -> Outcome:
    """Kill so many times and look at what is left."""
    ledger, chance, killed = Ledger(folder), random.Random(seed), dict.fromkeys(KINDS, 0)
    async with World(folder / "project", *ledger.crew()) as world:
        async with ledger.load(world):
            for number in range(count):
                await ledger.flows(world)
                await asyncio.sleep(chance.uniform(0.0, 0.3))
                kind = KINDS[number % len(KINDS)]
                await _kill(world, kind, ("desk", "post")[number % 2])
                killed[kind] += 1
        found = await ledger.count(world)
    missed = "" if found.again and found.hints_lost else "the kills hit nothing"
    return Outcome(
        "kill -9 under load",
        f"{killed} by signal 9, {found.again} tried again; control lost {found.hints_lost} of {found.hints}",
        str(found),
        missed or found.broke,
        {**found.figures, "kills": sum(killed.values())},
    )


async def _kill(world: World, kind: str, mad: str) -> None:
    child = (await world.seen(mad))["pid"]
    if kind != "core":
        os.kill(child, signal.SIGKILL)
    if kind == "child":
        await world.until_back(mad, child)
        return
    if (status := await world.kill()) != -signal.SIGKILL:
        raise Broken(f"the core ended with {status}, not by signal 9")
    await world.line.close()
    await world.start()
