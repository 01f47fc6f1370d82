"""A provider's pace beside a plain account of what left when: everybody at once, kills, clocks that jump.

Covers the limiter by itself, on a loop whose time is made up, and what the book remembers of a run before. Does not
cover it before a provider: tests/duos/test_fiedler.py does.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mads.duos.fiedler.pace import MINUTE, Pace
from mads.duos.fiedler.port import Trouble
from mads.host.ledger import Ages
from mads.store.ledger.memory import MemoryBookings
from mads.store.ledger.port import Line
from mads.wire.ledger import Amount
from mads.wire.model import Usage

COVERS = ("R-069",)

REQUESTS, TOKENS = 5, 100
MICRO = 1_000_000


class Jumping(selectors.SelectSelector):
    """Waits for nothing: time jumps to where somebody waits for."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """Let so much time pass."""
        self.now += timeout or 0.0
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """A loop that lives in made-up time."""

    def __init__(self) -> None:
        self._jumping = Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the time."""
        return self._jumping.now


class Asked(NamedTuple):
    """A request: when it comes, what it may take, what it takes, for how long, and how long it would wait."""

    at: float
    bound: int
    share: float
    lasts: float
    patience: float

    @property
    def took(self) -> int:
        """Return the tokens that it takes in the end."""
        return int(self.bound * self.share)


ASKED = st.builds(
    Asked, st.floats(0, 150), st.integers(1, 130), st.floats(0, 1), st.floats(0, 20), st.sampled_from([0.0, 5.0, 200.0])
)


class Account:
    """What a provider saw: when each request came, and what it may have taken."""

    def __init__(self) -> None:
        self.seen: list[list[float]] = []

    def holds(self) -> None:
        """Assert that no minute has more than the limits, but for what is larger than them and alone."""
        for start, _ in self.seen:
            window = [tokens for at, tokens in self.seen if start <= at < start + 60]
            assert len(window) <= REQUESTS
            assert sum(window) <= TOKENS or sum(1 for tokens in window if tokens) == 1


async def asked(pace: Pace, account: Account, it: Asked) -> None:
    """Ask as Fiedler does."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(it.at)
    try:
        sent = await pace.admit(it.bound, within=it.patience)
    except Trouble as trouble:
        assert trouble.retry_after is not None
        return
    line: list[float] = [loop.time(), it.bound]
    account.seen.append(line)
    await asyncio.sleep(it.lasts)
    line[1] = it.took
    pace.settle(sent, it.took)


@settings(deadline=None, max_examples=25)
@given(st.lists(ASKED, max_size=25), st.lists(ASKED, max_size=10), st.floats(0, 160))
def test_no_minute_has_more_than_the_limits_with_everybody_at_once_and_a_kill_in_between(
    before: Sequence[Asked], after: Sequence[Asked], kill: float
) -> None:
    account = Account()

    async def drive() -> None:
        loop = asyncio.get_running_loop()
        pace = Pace("a", REQUESTS, TOKENS, clock=loop.time)
        tasks = [asyncio.create_task(asked(pace, account, it)) for it in before]
        await asyncio.sleep(kill)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        pace = Pace("a", REQUESTS, TOKENS, clock=loop.time)
        newest = max((at for at, _ in account.seen), default=0.0)
        for at, tokens in account.seen:
            if at > newest - MINUTE:
                pace.remember(0.0, int(tokens))
        await asyncio.gather(*(asked(pace, account, it) for it in after))

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(drive())
    account.holds()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.floats(0, 40), st.integers(1, 130), st.floats(0, 1), st.floats(0, 30)), max_size=40))
def test_a_request_may_go_exactly_when_a_plain_account_says_so(
    steps: Sequence[tuple[float, int, float, float]],
) -> None:
    now, closed = 0.0, 0.0
    plain: list[tuple[float, int]] = []

    async def drive() -> None:
        nonlocal now, closed
        pace = Pace("a", REQUESTS, TOKENS, clock=lambda: now)
        for later, bound, share, pause in steps:
            now += later
            counted = [tokens for at, tokens in plain if at > now - MINUTE]
            may = closed <= now and len(counted) < REQUESTS and sum(counted) + min(bound, TOKENS) <= TOKENS
            assert (pace.wait(bound) <= 0) == may
            if may:
                took = int(bound * share)
                pace.settle(await pace.admit(bound, within=0), took)
                plain.append((now, took))
            elif pause > 25:
                pace.close(pause)
                closed = max(closed, now + pause)

    asyncio.run(drive())


async def test_what_never_left_takes_no_place_in_the_minute() -> None:
    now = 0.0
    pace = Pace("a", 1, TOKENS, clock=lambda: now)
    sent = await pace.admit(5, within=0)
    waiting = asyncio.create_task(pace.admit(5, within=5))
    await asyncio.sleep(0)
    pace.withdraw(sent)
    await waiting
    assert pace.used() == (1, 5)
    now += 2 * MINUTE
    assert pace.used() == (0, 0)
    pace.withdraw(sent)


async def test_the_minute_of_what_waited_for_its_money_begins_when_it_leaves() -> None:
    now = 0.0
    pace = Pace("a", 2, TOKENS, clock=lambda: now)
    waited, gone = await pace.admit(5, within=0), await pace.admit(5, within=0)
    pace.leaves(gone)
    now = 30.0
    pace.leaves(waited)
    now = MINUTE + 0.1
    assert (pace.used(), pace.wait(5)) == ((1, 5), 0.0)
    pace.leaves(await pace.admit(5, within=0))
    assert pace.wait(5) == pytest.approx(29.9)


async def test_what_a_run_before_sent_last_counts_from_the_start_wherever_the_clock_stands() -> None:
    now, wall = 1000.0, 1_700_000_000
    bookings = MemoryBookings()
    for at in (wall - 300, wall - 62, wall - 60, wall - 1, wall):
        await bookings.reserve(_line(at * MICRO))
    ages = Ages(5, clock=lambda: now)
    now += 10
    assert [it.age for it in await ages.latest(bookings, "fiedler", MINUTE)] == [10.0] * 3
    for at in (wall - 86_400, wall + 86_400):
        ages.wrote(await bookings.reserve(_line(at * MICRO)), ages.now())
        now += 5
    assert [it.age for it in await ages.latest(bookings, "fiedler", MINUTE)] == [20.0] * 3 + [10.0, 5.0]
    now += 45
    assert [it.age for it in await ages.latest(bookings, "fiedler", MINUTE)] == [55.0, 50.0]
    assert not await ages.latest(bookings, "other", MINUTE)


def _line(at_us: int) -> Line:
    return Line(
        at_us=at_us, tenant="t", holder="fiedler", payer="scribe", what="a rung 1", amount=Amount(1, Usage(1), 1)
    )
