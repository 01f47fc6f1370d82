"""A breaker opens for failures and for slowness, tries again with one call, and blames nobody for leaving early.

The clock is turned by hand.
"""

from __future__ import annotations

import asyncio

import pytest

from mads.upstream.breaker import FIRST, LEAST, LONGEST, Breaker
from mads.wire.errors import Failed, Lost, NoResponder, Overloaded

COVERS = ("R-113",)


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def broken(clock: Clock) -> Breaker:
    breaker = Breaker("files", slow=1, clock=clock)
    for _ in range(LEAST):
        with pytest.raises(Lost), breaker.call():
            raise Lost("it went away")
    return breaker


def test_it_opens_when_half_of_the_calls_fail_and_says_when_to_come_back() -> None:
    breaker = broken(Clock())
    assert breaker.state == "open"
    with (
        pytest.raises(Overloaded, match="files is left alone for a while: 5 of its last 5 calls failed") as caught,
        breaker.call(),
    ):
        pass
    assert caught.value.retry_after == FIRST


def test_what_a_server_refuses_is_no_failure_of_it() -> None:
    breaker = Breaker("files", slow=1, clock=Clock())
    for _ in range(3 * LEAST):
        with pytest.raises(Failed), breaker.call():
            raise Failed("no such file")
    assert breaker.state == "closed"


def test_it_opens_when_most_calls_are_slow_but_not_when_they_wait_for_a_person() -> None:
    clock = Clock()
    patient, breaker = Breaker("a", slow=1, clock=clock), Breaker("b", slow=1, clock=clock)
    for _ in range(LEAST):
        with patient.call() as trial:
            clock.now += 60
            trial.asking += 60
        with breaker.call():
            clock.now += 2
    assert (patient.state, breaker.state) == ("closed", "open")


def test_one_call_tries_whether_it_is_well_again_and_closes_it() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += FIRST
    assert [breaker.state] == ["half-open"]
    with breaker.call(), pytest.raises(Overloaded), breaker.call():
        pass
    assert breaker.state == "closed"


def test_as_long_as_it_is_not_well_it_is_left_alone_for_longer_up_to_a_limit() -> None:
    clock = Clock()
    breaker = broken(clock)
    pauses: list[float] = []
    for _ in range(8):
        with pytest.raises(Overloaded) as caught, breaker.call():
            pass
        pauses.append(caught.value.retry_after or 0)
        clock.now += pauses[-1] + 0.01
        with pytest.raises(NoResponder), breaker.call():
            raise NoResponder("nobody there")
    assert pauses[:3] == [FIRST, 2 * FIRST, 4 * FIRST]
    assert pauses[-1] == LONGEST


def test_a_caller_who_leaves_says_nothing_about_the_server() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.now += FIRST
    with pytest.raises(asyncio.CancelledError), breaker.call():
        raise asyncio.CancelledError
    assert [breaker.state] == ["half-open"]
    with breaker.call():
        pass
    assert breaker.state == "closed"
