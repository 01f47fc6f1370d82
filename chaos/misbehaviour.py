"""A MAD in a child process misbehaves: the others are answered as before, and it is replaced where the rule says so.

A p99 of two seconds is a few calls on a machine that others use too. So where the neighbours took over `LIMIT` times as
long, it is tried anew, and the median of all tries counts. A control says what the machine does by itself: how far the
calm before and the calm after lie apart. Where that is as much, nothing can be said of the ratio, and that is said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chaos.neighbours import Watch, p99
from chaos.report import Broken, Outcome
from chaos.world import World

from mads.wire.errors import CallError, DeadlineExceeded, Failed, Unreachable

MADS = (
    'near = "chaos.crew:Neighbour"',
    'far = { use = "chaos.crew:Neighbour", run = "process" }',
    'villain = { use = "chaos.villain:Villain", run = "process", watchdog = "2 s", memory = "250 MB", processes = 24 }',
)
LIMIT = 2.0
"""How many times their calm p99 the neighbours' calls may take meanwhile."""
TRIES = 3
CALM = 2.0
"""Seconds for which the neighbours are watched before, at least meanwhile, and after."""


@dataclass(frozen=True)
class Misdeed:
    """What the villain does, how its caller sees it, and what is said of the child's end; "" where it must not end."""

    tool: str
    seen: type[CallError]
    said: str = ""
    within: float = 15.0


MISDEEDS = {
    "exception in a child": Misdeed("fail", Failed),
    "hang in a child": Misdeed("hang", DeadlineExceeded, within=1.5),
    "blocked loop in a child": Misdeed("block", CallError, "its loop did not answer"),
    "segfault in a child": Misdeed("crash", CallError, "SIGSEGV"),
    "out of memory in a child": Misdeed("devour", CallError, "of memory where 250 MB is the limit"),
    "fork bomb in a child": Misdeed("multiply", CallError, "more than the 24 processes"),
}


def misbehaves(fault: str) -> Callable[[Path], Awaitable[Outcome]]:
    """Return what tries one of `MISDEEDS` in a folder."""

    async def run(folder: Path) -> Outcome:
        tries: list[Outcome] = []
        while len(tries) < TRIES:
            outcome = await tried(fault, folder / f"project{len(tries)}")
            if outcome.broke or (not tries and outcome.figures["p99_ratio"] <= LIMIT):
                return outcome
            tries.append(outcome)
        return judged(tries)

    return run


def judged(tries: Sequence[Outcome]) -> Outcome:
    """Return the median of `tries`; it is broken where it is over `LIMIT` on a machine that was calm otherwise."""
    outcome = sorted(tries, key=lambda it: it.figures["p99_ratio"])[len(tries) // 2]
    ratio, control = outcome.figures["p99_ratio"], outcome.figures["p99_control"]
    told = f"the median of {len(tries)} tries: {outcome.held}"
    if ratio <= LIMIT:
        return replace(outcome, held=told)
    if control >= LIMIT:
        return replace(outcome, held=f"no verdict on p99, the machine was busy; {told}")
    return replace(outcome, held=told, broke=f"neighbours' p99 may be {LIMIT:g}x; {told}")


async def tried(fault: str, folder: Path) -> Outcome:
    """Try one of `MISDEEDS` once in a folder; how soon the neighbours answered is measured, not judged."""
    async with World(folder, *MADS) as world:
        watch = Watch(world.root)
        watching = asyncio.create_task(watch.watch())
        try:
            return await _watched(fault, world, watch)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


async def _watched(fault: str, world: World, watch: Watch) -> Outcome:
    it = MISDEEDS[fault]
    pid = await world.line.call("villain.where")
    await asyncio.sleep(0.3)
    watch.taken()
    await asyncio.sleep(CALM)
    calm = watch.taken()
    meanwhile = asyncio.create_task(asyncio.sleep(CALM))
    answer = await _answer(world, it)
    proof = await _proof(world, it, pid) if it.said else f"its caller was told: {answer}"
    await meanwhile
    disturbed = watch.taken()
    if it.said:  # not before: to look through all processes holds up the calls that are timed here
        await world.until("all that it started is gone", lambda: not _group(pid))
    again = await world.line.call("villain.where")
    watch.taken()
    await asyncio.sleep(CALM)
    after = watch.taken()
    ratio = p99(disturbed) / p99(calm + after)
    control = max(p99(calm), p99(after)) / min(p99(calm), p99(after))
    replaced = f"replaced by process {again}" if it.said else "not replaced"
    held = (
        f"neighbours' p99 {ratio:.2f}x of {p99(calm + after) * 1000:.1f} ms (control {control:.2f}x), "
        f"{len(watch.failed)} failed; {replaced}"
    )
    broke = f"a neighbour's call failed: {watch.failed[0]}" if watch.failed else ""
    if (again != pid) is not bool(it.said):
        broke = f"it was process {pid} before, and is {again}"
    return Outcome(fault, proof, held, broke, {"p99_ratio": round(ratio, 2), "p99_control": round(control, 2)})


async def _answer(world: World, it: Misdeed) -> str:
    try:
        await world.line.call(f"villain.{it.tool}", within=it.within)
    except it.seen as error:
        return f"{type(error).__name__}: {error}"
    raise Broken(f"villain.{it.tool} was answered")


async def _proof(world: World, it: Misdeed, pid: int) -> str:
    """Wait until the child that was `pid` is replaced; return what is said of it."""
    said = ""

    async def is_told() -> bool:
        nonlocal said
        with suppress(CallError, Unreachable):
            seen: dict[str, Any] = await world.seen("villain")
            said = seen["why"] if it.said in seen["why"] else said
        return bool(said)

    await world.until(f"somebody says {it.said!r}", is_told)
    await world.until_back("villain", pid)
    return said


def _group(pid: int) -> list[int]:
    """Return the processes of the session that `pid` began."""
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == pid and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return found
