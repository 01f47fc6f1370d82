"""Whatever comes and goes in any order, whose turn it is follows plain lists: bands, ages, conversations, keys.

Covers the order of what is handed out, one of a key at a time, places that are not for the last band, bounds of the
whole and of each sender, and that nothing is lost or counted twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mads.bus.codel import INTERVAL, Shedder
from mads.bus.delivery import Delivery
from mads.bus.fair import Backlog
from mads.bus.inbox import EVERY, OLD, Inbox
from mads.bus.pace import Pace
from mads.wire.call import Band, Call, Identity

COVERS = ("R-059", "R-122", "R-125")


def sent(number: int, *, by: str = "ana", tenant: str = "one", talk: str | None = None, **fields: Any) -> Delivery:
    identity = Identity(by, tenant)
    call = Call(
        subject="mads.x.y", body=None, id=str(number), deadline=60.0, identity=identity, conversation=talk, **fields
    )
    return Delivery(call, since=float(number), cost=1.0)


class Model(RuleBasedStateMachine):
    """An inbox, and beside it a list of what waits and a list of what is out."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.count = self.passed = 0
        self.waiting: list[Delivery] = []
        self.out: list[Delivery] = []

    @initialize(at_once=st.integers(1, 5), capacity=st.integers(1, 12))
    def open(self, at_once: int, capacity: int) -> None:
        """Open an inbox."""
        self.at_once, self.capacity = at_once, capacity
        self.inbox = Inbox(capacity, at_once=at_once, costs={})

    @rule(
        by=st.sampled_from("ab"),
        tenant=st.sampled_from("xy"),
        talk=st.sampled_from([None, "s", "t"]),
        key=st.sampled_from([None, None, "k"]),
        band=st.sampled_from(Band),
    )
    def send(self, by: str, tenant: str, talk: str | None, key: str | None, band: Band) -> None:
        """Let a call wait, or one of the sender who has most waiting give way to it."""
        self.count += 1
        self.now += 0.01
        new = sent(self.count, by=by, tenant=tenant, talk=talk, key=key, band=band)
        new.since = self.now
        is_full = len(self.waiting) >= self.capacity
        assert self.inbox.put(new) is not is_full
        if is_full:
            crowds = Counter(map(sender, self.waiting))
            gone = self.inbox.yields(new.call)
            assert (gone is None) == (max(crowds.values()) <= crowds[sender(new)] + 1)
            if gone is None:
                return
            assert crowds[sender(gone)] == max(crowds.values())
            theirs = [it for it in self.waiting if sender(it) == sender(gone)]
            assert gone is max(theirs, key=lambda it: (it.call.band, it.since))
            self.waiting.remove(gone)
            assert self.inbox.put(new)
        self.waiting.append(new)

    @precondition(lambda self: len(self.out) < self.at_once)
    @rule(later=st.sampled_from([0.0, 0.0, OLD]))
    def take(self, later: float) -> None:
        """Hand one out: the first of a conversation, of the lowest band, or of one whose oldest is old."""
        self.now += later
        firsts = self._firsts()
        taken = self.inbox.take(self.now)
        assert (taken is None) == (not firsts)
        if taken is None:
            return
        assert taken in firsts
        lowest = min(it.call.band for it in firsts)
        if taken.call.band > lowest:
            oldest = min(self.waiting, key=lambda it: it.since)
            assert oldest.call.band == taken.call.band
            assert self.now - oldest.since > OLD
        self.waiting.remove(taken)
        self.out.append(taken)

    @precondition(lambda self: self.out)
    @rule(place=st.integers(0, 9))
    def end(self, place: int) -> None:
        """Have one of those that are out come to its end."""
        self.inbox.release(self.out.pop(place % len(self.out)).call)

    @rule(at_once=st.integers(1, 5), capacity=st.integers(1, 12))
    def resize(self, at_once: int, capacity: int) -> None:
        """Have other bounds, while some wait and some are out."""
        self.at_once, self.capacity = at_once, max(capacity, len(self.waiting))
        self.inbox.capacity = self.capacity
        self.inbox.resize(at_once, [it.call for it in self.out])

    @precondition(lambda self: self.waiting)
    @rule(place=st.integers(0, 20))
    def leave(self, place: int) -> None:
        """Forget one that waits."""
        gone = self.waiting.pop(place % len(self.waiting))
        assert self.inbox.remove(gone)
        assert not self.inbox.remove(gone)

    @precondition(lambda self: self.waiting)
    @rule()
    def spare(self) -> None:
        """Leave out what can be spared: one of the last band that waits, and none of the first."""
        gone = self.inbox.spared()
        last = max(it.call.band for it in self.waiting)
        assert (gone is None) == (last == Band.CONTROL)
        if gone is not None:
            assert gone.call.band == last
            self.waiting.remove(gone)

    @invariant()
    def follow(self) -> None:
        """Check that what waits is what the list says."""
        if hasattr(self, "inbox"):
            assert self.inbox.waiting == len(self.waiting) <= self.capacity
            assert {it.call.id for it in self.inbox} == {it.call.id for it in self.waiting}

    def _firsts(self) -> list[Delivery]:
        """Return all that may start and have none of their caller and key, or conversation, before them."""
        held = {key(it) for it in self.out if it.call.key is not None} if self.at_once > 1 else set[object]()
        most = self.at_once - max(1, self.at_once // 4) if self.at_once > 1 else 1
        full = self.at_once > 1 and sum(it.call.band == Band.BULK for it in self.out) >= most
        may = [it for it in self.waiting if key(it) not in held and not (full and it.call.band == Band.BULK)]
        return [
            it
            for place, it in enumerate(may)
            if not any(before.call.band == it.call.band and key(before) == key(it) for before in may[:place])
        ]


def sender(delivery: Delivery) -> tuple[str, str]:
    return delivery.call.identity.tenant, delivery.call.identity.principal


def key(delivery: Delivery) -> object:
    """Return what keeps others behind this one: its key, or itself."""
    call = delivery.call
    return call.id if call.key is None else (call.identity.principal, call.key)


@pytest.mark.slow
def test_what_is_handed_out_follows_plain_lists() -> None:
    run_state_machine_as_test(Model, settings=settings(max_examples=80, stateful_step_count=30, deadline=None))


def handed_out(backlog: Backlog, count: int) -> list[Delivery]:
    taken: list[Delivery] = []
    for _ in range(count):
        found = backlog.root.next(lambda it: it.cost)
        assert found is not None
        backlog.take(found)
        taken.append(found)
    return taken


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(0.01, 2), min_size=2, max_size=5))
def test_conversations_get_the_same_time_however_long_their_calls_take(costs: list[float]) -> None:
    backlog = Backlog()
    for place, cost in enumerate(costs):
        for number in range(2):
            first = sent(number, talk=str(place))
            first.cost = cost
            backlog.put(first)
    got: dict[str, float] = defaultdict(float)

    for number in range(100):
        (it,) = handed_out(backlog, 1)
        talk = it.call.conversation or ""
        got[talk] += it.cost
        backlog.put(after := sent(number, talk=talk))
        after.cost = it.cost

    given = [got[str(place)] for place in range(len(costs))]
    assert max(given) - min(given) <= 2 * max(costs)


def test_a_tenant_with_many_conversations_gets_no_more_than_one_with_one() -> None:
    backlog = Backlog()
    for number in range(100):
        backlog.put(sent(number, tenant="large", talk=str(number)))
    for number in range(100):
        backlog.put(sent(number, tenant="small"))

    tenants = Counter(it.call.identity.tenant for it in handed_out(backlog, 40))

    assert abs(tenants["large"] - tenants["small"]) <= 1


def test_a_flood_that_came_before_anything_was_known_counts_for_what_its_calls_take() -> None:
    costs: dict[str, float] = {}
    inbox = Inbox(256, at_once=1, costs=costs)
    for number in range(100):
        inbox.put(sent(number, tenant="large", talk=str(number % 3)))
    costs["mads.x.y"] = 1.0
    inbox.put(quiet := sent(100, tenant="small"))

    taken = [it for it in (inbox.take(0.0) for _ in range(4)) if it is not None]

    assert quiet in taken


def test_what_is_least_urgent_is_handed_out_within_a_bound_whatever_else_comes() -> None:
    inbox = Inbox(1000, at_once=2, costs={})
    inbox.put(bulk := sent(0, band=Band.BULK))
    taken: list[Delivery] = []

    while bulk not in taken:
        inbox.put(sent(len(taken), band=Band.URGENT))
        it = inbox.take(OLD + 1)
        assert it is not None
        inbox.release(it.call)
        taken.append(it)

    assert len(taken) <= EVERY


@settings(max_examples=20)
@given(st.lists(st.tuples(st.booleans(), st.floats(0.001, 0.2)), min_size=1, max_size=60))
def test_nothing_is_left_out_before_all_have_waited_too_long_for_an_interval(waits: list[tuple[bool, float]]) -> None:
    shedder, now, above = Shedder(), 0.0, 0.0
    for is_long, pause in waits:
        now += pause
        sheds = shedder.sheds(6.0 if is_long else 4.0, 10.0, now)
        if not is_long:
            above = now
            assert shedder.calm
        assert not sheds or now - above >= INTERVAL


@settings(max_examples=20)
@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=50))
def test_an_estimate_lies_within_what_was_seen_and_shrinks_with_doubt(seen: list[float]) -> None:
    pace = Pace()
    for seconds in seen:
        pace.took("mads.x.y", seconds)

    assert min(seen) <= pace.leasts["mads.x.y"] <= max(seen)
    assert min(seen) * 0.999 <= pace.means["mads.x.y"] <= max(seen) * 1.001
    before = pace.leasts["mads.x.y"]
    pace.doubt("mads.x.y")
    assert pace.leasts["mads.x.y"] < before
