"""Conversations of a runaway agent under one cap, the core killed in the middle; and what was billed in the end."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from chaos.world import Line, World
from runaway.bill import LIE, PRICES, billed, reasons, says, unexplained

from mads.guard.budget.cap import MICRO
from mads.testing.provider import Provider, provider
from mads.wire.errors import CallError, Unreachable
from mads.wire.ledger import Reservation

STUBBORN = 2
"""How many rounds in a row of nothing but refusals an agent needs until it believes them."""

WITHIN = 40.0
"""Seconds that one round, and one run, may take."""


@dataclass(frozen=True)
class Plan:
    """So many `conversations` under a `cap` of so many millionths of a dollar, their agents placed as `run` says.

    The core is killed after so many requests, and the provider lies about the usage of one before that.
    """

    run: str
    cap: int = MICRO
    conversations: int = 50
    kill_after: int = 150
    seed: int = 7


@dataclass
class Run:
    """What came of it: money in millionths of a dollar; `left` is what the kill left reserved, in lines."""

    plan: Plan
    told: list[str] = field(default_factory=list[str])
    rounds: int = 0
    cut_off: set[int] = field(default_factory=set[int])
    left: int = 0
    requests: int = 0
    bill: int = 0
    ledger: int = 0
    disputed: int = 0
    unknown: int = 0
    lies: int = 0
    reconciled: int = 0
    ended: str = "it came to no end"

    @property
    def refusals(self) -> dict[str, int]:
        """How often each cap let a model not be asked."""
        return dict(reasons(self.told).most_common())

    @property
    def broke(self) -> Sequence[str]:
        """What did not hold."""
        checks = {
            f"billed {self.bill} under a cap of {self.plan.cap}": self.bill > self.plan.cap,
            f"the ledger has {self.ledger} where {self.bill} were billed": not self.bill <= self.ledger,
            f"reconciled, the ledger has {self.reconciled} where {self.bill} were billed": self.reconciled != self.bill,
            "nobody disputes what the provider lied about": not self.lies,
            f"the ledger has {self.ledger} under a cap of {self.plan.cap}": self.ledger > self.plan.cap,
            f"billed no more than {self.bill}: that is no runaway": self.bill * 3 < self.plan.cap,
            "the kill left nothing reserved: it hit nothing": not self.left,
            "nothing was refused": not self.refusals,
            self.ended: bool(self.ended),
            f"refused without a reason: {unexplained(self.told)[:1]}": bool(unexplained(self.told)),
        }
        return [what for what, is_so in checks.items() if is_so]


async def rampage(folder: Path, found: Run) -> None:
    """Let the agents loose, kill the core in the middle, start it again; return once no agent goes on."""
    plan = found.plan
    with provider() as it:
        it.say(*says(plan.seed, plan.kill_after // 3), always=True)
        async with World(folder / "project", *_system(it, plan)) as world:
            loose = [asyncio.create_task(_agent(world, number, found)) for number in range(plan.conversations)]
            await world.until("the agents run", lambda: len(it.seen()) >= plan.kill_after)
            await world.kill()
            await world.start()
            found.left = sum(line.stands == "unknown" for line in await _open(world))
            async with asyncio.timeout(WITHIN):
                await asyncio.gather(*loose)
            await _settle(world, it, found)
        found.ended = ""


async def _agent(world: World, number: int, found: Run) -> None:
    """Go round after round in a conversation of its own until there is nothing but refusals; over a restart, too."""
    line, refused = Line(world.root), 0
    for turn in itertools.count(1):
        try:
            helpers = 1 + number % 3
            told: list[str] = await line.call(
                "agent.round", within=WITHIN, conversation=f"c{number}", number=turn, helpers=helpers
            )
        except (CallError, Unreachable):
            found.cut_off.add(number)
            await asyncio.sleep(0.1)
            continue
        found.told += told
        found.rounds += 1
        refused = refused + 1 if len(told) == helpers + 2 and all(map(reasons, ([it] for it in told))) else 0
        if refused == STUBBORN:
            break
        await asyncio.sleep(0.02 * refused)
    await line.close()


async def _settle(world: World, it: Provider, found: Run) -> None:
    """Compare the ledger with the provider's bill, and bring the bill to it."""

    async def is_over() -> bool:
        return all(line.stands != "running" for line in await _open(world))

    await world.until("what nobody waits for is over, too", is_over)
    (sums,) = await world.line.call("steward.cost", by="system")
    found.ledger = sums["spent"]["micro_usd"] + sums["reserved"]["micro_usd"]
    found.bill, found.requests = billed(it), len(it.seen())
    lines = await _open(world)
    found.disputed = sum(line.stands == "disputed" for line in lines)
    found.unknown = len(lines) - found.disputed
    found.lies = sum(line.reported is not None and line.reported.tokens == sum(LIE) for line in lines)
    came = await world.line.call("steward.reconcile", bill={"micro_usd": found.bill}, within=WITHIN)
    found.reconciled = came["ledger"]


async def _open(world: World) -> Sequence[Reservation]:
    """Return what stands reserved or is disputed."""
    found, after = list[Reservation](), 0
    while page := await world.line.call("steward.reservations", after=after):
        found += msgspec.convert(page, list[Reservation])
        after = found[-1].id
    return found


def _system(it: Provider, plan: Plan) -> Sequence[str]:
    """Return the system's table of MADs, and its caps."""
    model = '{name} = {{ id = "{name}", price = {{ input = {came}, output = {went} }} }}'
    models = ", ".join(model.format(name=name, came=came, went=went) for name, (came, went) in PRICES.items())
    dollars = plan.cap / MICRO
    place = f'run = "{plan.run}", at_once = 256'
    return (
        f'agent = {{ use = "runaway.crew:Agent", {place} }}',
        f'helper = {{ use = "runaway.crew:Helper", {place}, budget = "{dollars * 0.3:g} USD" }}',
        "[mads.fiedler]",
        'use = "mads.duos.fiedler:Fiedler"',
        f'run = "{plan.run}"',
        "at_once = 256",
        f'may = ["net:{it.root.removeprefix("http://")}"]',
        f'set.providers.a = {{ url = "{it.url}", models = {{ {models} }} }}',
        'set.policy = [{ models = ["big", "small"] }]',
        "[budget]",
        f'system = "{dollars:g} USD"',
        f'conversation = "{dollars / plan.conversations * 1.2:g} USD"',
    )
