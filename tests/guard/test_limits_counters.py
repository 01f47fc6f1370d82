"""Each counter admits what a plain model of it admits, whatever is asked when, and wherever the clock jumps.

Covers rate, concurrency and quota by themselves. Does not cover whom they are for: tests/guard/test_limits.py does.
"""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads.guard.limits.gcra import Gcra, Pace
from mads.guard.limits.quota import Amount, Quota
from mads.guard.limits.slots import SOONEST, Slots
from mads.guard.window import Period, window_at
from mads.store.quotas.memory import MemoryQuotas
from mads.store.quotas.port import Account

COVERS = ("R-045",)

DAY = 86400.0


class Bucket:
    """A bucket of tokens, with exact numbers: what a rate is defined by. A clock that is set back drains it."""

    def __init__(self, pace: Pace) -> None:
        self._pace, self._tokens, self._at = pace, Fraction(pace.burst), 0

    def see(self, now: int) -> None:
        """Let tokens fall in until `now`."""
        self._tokens += Fraction(now - self._at, self._pace.interval)
        self._tokens = max(Fraction(0), min(self._tokens, Fraction(self._pace.burst)))
        self._at = now

    def wait(self) -> Fraction:
        """Return the time until there is a token."""
        return max(Fraction(0), (1 - self._tokens) * self._pace.interval)

    def take(self) -> None:
        """Take a token."""
        self._tokens -= 1

    @property
    def left(self) -> int:
        """How many whole tokens there are."""
        return int(self._tokens)


paces = st.builds(Pace, interval=st.integers(1, 10**12), burst=st.integers(1, 50))
forwards = st.lists(st.integers(0, 10**13), max_size=60)


@given(pace=paces, steps=forwards)
def test_a_rate_admits_what_a_bucket_of_tokens_admits(pace: Pace, steps: list[int]) -> None:
    now, gcra, bucket = 0, Gcra(pace), Bucket(pace)
    for step in steps:
        now += step % (3 * pace.interval)
        bucket.see(now)
        assert gcra.wait(now) == bucket.wait()
        assert gcra.left(now) == bucket.left
        if bucket.left:
            gcra.take(now)
            bucket.take()


@given(pace=paces, steps=st.lists(st.integers(-(10**13), 10**13), max_size=60))
def test_wherever_the_clock_jumps_a_rate_admits_no_more_than_the_time_that_passed_and_holds_nobody_up_for_ever(
    pace: Pace, steps: list[int]
) -> None:
    now, passed, admitted, gcra = 0, 0, 0, Gcra(pace)
    for step in steps:
        now, passed = now + step, passed + max(0, step)
        wait = gcra.wait(now)
        assert 0 <= wait <= pace.interval
        if wait == 0:
            gcra.take(now)
            admitted += 1
        assert admitted <= pace.burst + passed // pace.interval
    assert gcra.wait(now + gcra.wait(now)) == 0


def test_the_sixth_call_of_five_a_minute_waits_for_the_twelfth_second() -> None:
    gcra = Gcra(Pace(12_000_000_000, 5))
    for _ in range(5):
        assert gcra.wait(0) == 0
        gcra.take(0)
    assert gcra.wait(0) == 12_000_000_000
    assert gcra.wait(11_999_999_999) == 1
    assert gcra.wait(12_000_000_000) == 0
    assert not gcra.is_full(59_999_999_999)
    assert gcra.is_full(60_000_000_000)


@given(most=st.integers(1, 5), asked=st.lists(st.floats(0.1, 9) | st.none()))
def test_no_more_slots_are_held_than_there_are(most: int, asked: list[float | None]) -> None:
    slots, held = Slots(most), 0
    for took in asked:
        if took is not None and held:
            slots.free(took)
            held -= 1
        elif slots.wait() == 0:
            slots.take()
            held += 1
        assert slots.taken == held <= most
        assert (slots.wait() == 0) == (held < most)


def test_one_who_finds_no_slot_is_told_how_long_one_is_held() -> None:
    slots = Slots(1)
    slots.take()
    assert slots.wait() == SOONEST
    slots.free(2.0)
    slots.take()
    assert slots.wait() == 2.0


moments = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis


@given(moment=moments, period=st.sampled_from(["day", "month"]))
def test_a_window_is_the_day_or_month_in_utc(moment: datetime, period: Period) -> None:
    window = window_at(period, moment.timestamp())
    begins, ends = (datetime.fromtimestamp(at, UTC) for at in (window.begins, window.ends))
    assert begins <= moment < ends
    assert window.name == (f"{moment:%Y-%m-%d}" if period == "day" else f"{moment:%Y-%m}")
    assert window_at(period, window.ends).begins == window.ends
    last = ends - timedelta(microseconds=1)
    assert (last.year, last.month) == (begins.year, begins.month)
    assert period == "month" or last.day == begins.day


async def ask(quota: Quota, now: float) -> bool:
    """Ask for one call; return whether it is admitted."""
    await quota.fill(now)
    assert quota.is_ready(now)
    if quota.wait(now):
        return False
    quota.take()
    return True


times = st.lists(st.floats(-40, 40), max_size=80)


@pytest.mark.parametrize("period", ["day", "month"])
@given(most=st.integers(1, 300), days=times, crashes=st.sets(st.integers(0, 79)), ends=st.sets(st.integers(0, 79)))
async def test_a_quota_is_never_exceeded_and_only_a_crash_costs_some_of_it(
    period: Period, most: int, days: list[float], crashes: set[int], ends: set[int]
) -> None:
    store, now = MemoryQuotas(), 1_800_000_000.0
    quota = Quota(Amount(most, period), "rule", "acme", "principal ana", store)
    used: dict[str, int] = {}
    lost: dict[str, int] = {}
    for at, day in enumerate(days):
        if at in ends:  # the system ends in order
            await store.credit([quota.rest()])
        if at in ends or at in crashes:
            quota = Quota(Amount(most, period), "rule", "acme", "principal ana", store)
        now = 1_800_000_000.0 + day * DAY  # forwards or backwards
        window = window_at(period, now).name
        before = used.get(window, 0)
        admitted = await ask(quota, now)
        used[window] = before + admitted
        assert used[window] <= most
        counted = {account.window: count for account, count in await store.used(0)}
        assert counted.get(window, 0) >= used[window]
        lost[window] = counted.get(window, 0) - used[window]
        if not admitted:
            assert used[window] + lost[window] == most
            assert quota.wait(now) == window_at(period, now).ends - now


async def test_a_quota_of_thousand_costs_fifty_debits() -> None:
    class Counting(MemoryQuotas):
        debits = 0

        async def debit(self, account: Account, amount: int, *, most: int) -> int:
            self.debits += 1
            return await super().debit(account, amount, most=most)

    store = Counting()
    quota = Quota(Amount(1000, "day"), "rule", "", "", store)
    assert [await ask(quota, 0.0) for _ in range(1001)].count(True) == 1000
    assert store.debits == 51
