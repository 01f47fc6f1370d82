"""A wall clock that jumps, a day ahead and two days back, under load and over restarts."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from chaos.ledger import Ledger
from chaos.report import Outcome
from chaos.world import World

DAY = 86400
JUMPS = (DAY, -DAY)
"""How many seconds the clock is ahead of the real one after each jump."""


async def clock_jump(folder: Path) -> Outcome:
    """Let the core's clock jump while it runs, kill it, start it with that clock, and again."""
    ledger, clock = Ledger(folder), folder / "ahead"
    command = (sys.executable, "-m", "chaos.launch", "--clock", str(clock))
    mads = (*ledger.crew(), 'near = "chaos.crew:Neighbour"')
    shown: list[float] = []
    async with World(folder / "project", *mads, command=command) as world:
        async with ledger.load(world):
            for jump in JUMPS:
                await ledger.flows(world)
                clock.write_text(str(jump))
                await ledger.flows(world)
                shown.append((await world.line.call("near.wall") - time.time()) / DAY)
                await world.kill()
                await world.line.close()
                await world.start()
                await ledger.flows(world)
        found = await ledger.count(world)
    days = ", ".join(f"{days:+.1f}" for days in shown)
    missed = "" if [round(days) for days in shown] == [jump // DAY for jump in JUMPS] else "the clock did not jump"
    return Outcome(
        "clock jump",
        f"a MAD in the core was {days} days off the real time",
        str(found),
        missed or found.broke,
        found.figures,
    )
