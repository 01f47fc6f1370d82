"""The next command is the one that a plain list would name, whatever came, ended or failed before.

Covers order within a key, one of a key at a time, bands, delays and failures, against a model that looks at everything.
"""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from mads.host.commands.lanes import EVERY, Head, Lanes

COVERS = ("R-041", "R-125")

Whose = tuple[str, str]

ANA, BO, CAT = SENDERS = ("acme", "ana"), ("acme", "bo"), ("bolt", "cat")


def head(
    seq: int, key: str | None = None, *, whose: Whose = ANA, band: int = 2, due: float = 0, end: float = 9e9
) -> Head:
    named = None if key is None else (*whose, key)
    return Head(seq=seq, key=named, band=band, due=due, expires=end, attempt=0, attempts=8, whose=whose)


class Order(RuleBasedStateMachine):
    """Lanes, and all commands in them as a list; `out` are those that were taken."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes, self.now, self.seq = Lanes(), 0.0, 0
        self.turns = 0
        self.passed = Counter[tuple[int, Whose]]()
        self.waiting: list[Head] = []
        self.out: list[Head] = []

    @rule(
        key=st.sampled_from([None, "a", "a", "b"]),
        whose=st.sampled_from(SENDERS),
        band=st.sampled_from([1, 2]),
        after=st.sampled_from([0, 0, 3]),
        back=st.sampled_from([0, 0, 0, 15]),
    )
    def put(self, key: str | None, whose: Whose, band: int, after: float, back: int) -> None:
        """Let a command wait, now and then one with a number from before: a dead one that is open again."""
        self.seq += 10
        number = self.seq - back
        if number not in {it.seq for it in (*self.waiting, *self.out)}:
            new = head(number, key, whose=whose, band=band, due=self.now + after)
            self.waiting.append(new)
            self.lanes.put(new)

    @rule()
    def take(self) -> None:
        """Take the next one."""
        held = {it.key for it in self.out if it.key is not None}
        first = {(it.key, it.band): it for it in sorted(self.waiting, key=lambda it: -it.seq) if it.key is not None}
        free = [
            it
            for it in self.waiting
            if it.due <= self.now and (it.key is None or (it.key not in held and first[it.key, it.band] is it))
        ]
        taken = self.lanes.take(self.now)
        self.turns += 1
        assert (taken is None) == (not free)
        if taken is None:
            return
        assert taken.band == min(it.band for it in free) or self.turns % EVERY == 0
        theirs = [it for it in free if (it.band, it.whose) == (taken.band, taken.whose)]
        assert taken is min(theirs, key=lambda it: it.seq)
        for whose in SENDERS:
            waits = whose != taken.whose and any((it.band, it.whose) == (taken.band, whose) for it in free)
            self.passed[taken.band, whose] = self.passed[taken.band, whose] + 1 if waits else 0
            assert self.passed[taken.band, whose] <= (1 if whose == CAT else 3)
        self.waiting.remove(taken)
        self.out.append(taken)

    @precondition(lambda self: self.out)
    @rule(place=st.integers(0, 5), again=st.none() | st.sampled_from([0, 2, 5]))
    def end(self, place: int, again: float | None) -> None:
        """Let one that is out end, or fail and wait."""
        ended = self.out.pop(place % len(self.out))
        if again is None:
            self.lanes.done(ended)
        else:
            self.lanes.again(ended, self.now + again)
            self.waiting.append(ended)

    @rule(seconds=st.sampled_from([1, 3]))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.now += seconds

    @invariant()
    def count(self) -> None:
        """Nothing is lost, and nothing is there twice."""
        assert len(self.lanes) == len(self.waiting) + len(self.out)


def test_lanes_follow_a_plain_list() -> None:
    run_state_machine_as_test(Order, settings=settings(stateful_step_count=40))


def test_what_has_expired_comes_up_before_it_is_due() -> None:
    lanes = Lanes()
    lanes.put(head(1, due=100, end=5))
    assert lanes.soonest() == 5
    assert lanes.take(4) is None
    assert lanes.take(5) is not None


def test_what_is_not_due_says_when_it_will_be() -> None:
    lanes = Lanes()
    assert lanes.soonest() is None
    lanes.put(head(1, due=7))
    lanes.put(head(2, due=3))
    assert lanes.soonest() == 3


def test_who_sends_without_end_holds_up_nobody_and_what_is_old_has_a_turn_of_eight() -> None:
    lanes = Lanes()
    for seq in range(100):
        lanes.put(head(seq, band=1))
    for seq, whose in (200, BO), (201, CAT), (202, CAT):
        lanes.put(head(seq, whose=whose, band=1))
    lanes.put(head(300, band=3, due=-1))
    taken = [it.seq for _ in range(EVERY) if (it := lanes.take(1))]
    assert taken == [0, 201, 200, 202, 1, 2, 3, 300]
