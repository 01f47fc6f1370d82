"""Power cuts: the system goes on with what had reached the disk, some sectors of the rest among it, others not."""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from chaos.disk import cut, put_back
from chaos.ledger import Count, Ledger
from chaos.report import Outcome
from chaos.world import World

COUNT = 5


async def power_cuts(folder: Path) -> Outcome:
    """Cut the power under load, then once on a disk that lies about syncing, which must lose."""
    taken, found = await cuts(folder / "honest", range(5, 5 + COUNT))
    _, control = await cuts(folder / "lying", [1], is_honest=False)
    missed = "" if taken and control.gone else "the cuts took nothing"
    return Outcome(
        "power cuts, torn sectors",
        f"{COUNT} cuts took {taken} unsynced bytes; a disk that lies lost {control.gone}",
        str(found),
        missed or found.broke,
        found.figures,
    )


async def cuts(folder: Path, seeds: Iterable[int], *, is_honest: bool = True) -> tuple[int, Count]:
    """Cut the power under load, once for each seed; return how many unsynced bytes that took, and what is left.

    By a seed some of the unsynced sectors stay; all go on a disk that is not honest, which has synced no log.
    """
    ledger, shadow = Ledger(folder), folder / "shadow"
    command = (sys.executable, "-m", "chaos.launch", "--disk" if is_honest else "--lying-disk", str(shadow))
    taken = 0
    async with World(folder / "project", *ledger.crew(), command=command) as world:
        async with ledger.load(world):
            for seed in seeds:
                chance = random.Random(seed)
                await ledger.flows(world)
                await asyncio.sleep(chance.uniform(0.0, 0.5))
                taken += await _cut(world, shadow, chance if is_honest else None)
        return taken, await ledger.count(world, within=20 if is_honest else 3)


async def _cut(world: World, shadow: Path, chance: random.Random | None) -> int:
    """Cut the power and start again with what is left; return how many bytes that were not synced it took."""
    data, left = world.store.parent, shadow.with_name("left")
    await world.kill()
    await world.line.close()
    taken = cut(data, shadow, left, chance)
    put_back(left, data)
    if chance is None:
        await world.accept()  # the audit misses what was lost, and says so: nothing starts unseen
    shutil.rmtree(shadow)
    put_back(data, shadow)
    await world.start()
    return taken
