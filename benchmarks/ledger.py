"""What it costs to reserve and to commit: the accounts alone, and with both on disk, beside the two rows alone."""

from __future__ import annotations

import asyncio
import socket
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from mads.author.ledger import Ledger
from mads.bus.memory import MemoryBus
from mads.bus.port import Bus
from mads.bus.unix import Hub, adopt
from mads.guard.budget.accounts import Accounts
from mads.guard.budget.counters import Counters
from mads.host.budgets import BudgetConfig
from mads.host.caller import Caller
from mads.host.ledger import HostLedger, serve_ledger
from mads.host.loop import new_loop
from mads.store.database import Database
from mads.store.ledger.memory import MemoryBookings
from mads.store.ledger.port import Bookings, Line, State
from mads.store.ledger.sqlite import SqliteBookings
from mads.wire.call import Identity
from mads.wire.ledger import Amount, Reported
from mads.wire.model import Usage

PAIRS, TOGETHER, ROUNDS = 2000, 64, 5
CAPS = BudgetConfig(system="9000 USD/day", tenant="900000000 tokens/day", conversation="900 USD")
LINE = Line(
    at_us=1_800_000_000_000_000,
    tenant="acme",
    holder="fiedler",
    payer="scribe",
    chain=("scribe", "fiedler"),
    conversation="c1",
    trace="t1",
    what="small",
    amount=Amount(5990, Usage(398, output=200), ms=30_000),
)
SPENT = Amount(1500, Usage(60, output=60), ms=800)


class Nowhere(MemoryBookings):
    """A book that nothing is written to: what is left is the accounts' own."""

    async def reserve(self, line: Line) -> int:
        """Return another id each time."""
        self.last = line
        self.count = getattr(self, "count", 0) + 1
        return self.count

    async def settle(
        self, id_: int, holder: str | None, state: State, amount: Amount, reported: Reported | None = None
    ) -> Line | None:
        """Return the last line."""
        del id_, holder, state, amount, reported
        return self.last


def run() -> dict[str, float]:
    """Return microseconds of CPU time for one reservation and what it came to, `TOGETHER` at once."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(measured())


async def measured() -> dict[str, float]:
    """Return the figures."""
    caps = [*CAPS.caps({"scribe": "900 USD/day"})]
    with tempfile.TemporaryDirectory() as folder:
        counters = Counters(caps)
        while missing := counters.missing(LINE):
            counters.know(missing[0], LINE, 0)
        database = await Database.open(Path(folder) / "store.sqlite")
        book, bare = SqliteBookings(database), Accounts(caps, Nowhere())
        kept = Accounts(caps, book)
        figures = {
            "ledger_counted_us": _counted(counters),
            "ledger_accounts_us": await _each(lambda: _accounted(bare)),
            "ledger_rows_us": await _each(lambda: _written(book)),
            "ledger_durable_us": await _each(lambda: _accounted(kept)),
        }
        core = MemoryBus()
        await serve_ledger(core, kept, book)
        async with _from_child(core) as child:
            for name, bus in (("ledger_by_a_mad_in_the_core_us", core), ("ledger_by_a_mad_in_a_child_us", child)):
                ledger = HostLedger(bus, Caller(Identity("ana", "acme", chain=("scribe", "fiedler"))))
                figures[name] = await _each(partial(_kept, ledger))
        await core.drain(1)
        await kept.close()
        await database.close()
    figures["ledger_ratio"] = round(figures["ledger_durable_us"] / figures["ledger_rows_us"], 2)
    return figures


def _counted(counters: Counters) -> float:
    """Return what the counting alone costs: a reservation in four accounts, and what it came to."""
    costs: list[float] = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for _ in range(PAIRS):
            held = counters.take(LINE)
            counters.settle(held, LINE.amount, SPENT)
        costs.append((time.thread_time() - began) / PAIRS * 1e6)
    return round(statistics.median(costs), 2)


async def _accounted(accounts: Accounts) -> None:
    id_ = await accounts.reserve(LINE)
    await accounts.settle(id_, "fiedler", "spent", SPENT)


async def _kept(ledger: Ledger) -> None:
    await ledger.commit(await ledger.reserve("small", LINE.amount), SPENT)


@asynccontextmanager
async def _from_child(core: MemoryBus) -> AsyncGenerator[Bus]:
    """Yield the bus as a child process has it; both ends are here, so that what either costs is counted."""
    ours, theirs = socket.socketpair()
    hub = Hub(core)
    await hub.attach(ours, vouch=lambda call: call, may_serve=lambda _: False)
    bus = await adopt(theirs)
    yield bus
    await bus.link.close()
    await hub.close()


async def _written(book: Bookings) -> None:
    id_ = await book.reserve(LINE)
    await book.settle(id_, "fiedler", "spent", SPENT)


async def _each(work: Callable[[], Awaitable[None]]) -> float:
    """Return the microseconds of CPU time that `work` takes, the median of a few rounds."""

    async def many() -> None:
        for _ in range(PAIRS // TOGETHER):
            await work()

    costs: list[float] = []
    for _ in range(ROUNDS):
        began = time.process_time()
        await asyncio.gather(*(many() for _ in range(TOGETHER)))
        costs.append((time.process_time() - began) / (PAIRS // TOGETHER * TOGETHER) * 1e6)
    return round(statistics.median(costs), 1)


if __name__ == "__main__":
    from benchmarks.report import report

    report("reserve and commit, beside the two rows", run())
