"""The next command is the one that a plain list would name, whatever came, ended or failed before.

Covers order within a key, one of a key at a time, bands, delays and failures, against a model that looks at everything.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from mads.host.commands.lanes import Head, Lanes

COVERS = ("R-041",)


def head(seq: int, key: str | None = None, *, band: int = 2, due: float = 0, expires: float = 1e9) -> Head:
    named = None if key is None else ("acme", "herald", key)
    return Head(seq=seq, key=named, band=band, due=due, expires=expires, attempt=0, attempts=8)


class Order(RuleBasedStateMachine):
    """Lanes, and all commands in them as a list; `out` are those that were taken."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes, self.now, self.seq = Lanes(), 0.0, 0
        self.waiting: list[Head] = []
        self.out: list[Head] = []

    @rule(
        key=st.sampled_from([None, "a", "a", "b"]),
        band=st.sampled_from([1, 2]),
        after=st.sampled_from([0, 0, 3]),
        back=st.sampled_from([0, 0, 0, 15]),
    )
    def put(self, key: str | None, band: int, after: float, back: int) -> None:
        """Let a command wait, now and then one with a number from before: a dead one that is open again."""
        self.seq += 10
        number = self.seq - back
        if number not in {it.seq for it in (*self.waiting, *self.out)}:
            new = head(number, key, band=band, due=self.now + after)
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
        expected = min(free, key=lambda it: (it.band, it.seq), default=None)
        assert self.lanes.take(self.now) is expected
        if expected is not None:
            self.waiting.remove(expected)
            self.out.append(expected)

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
    lanes.put(head(1, due=100, expires=5))
    assert lanes.soonest() == 5
    assert lanes.take(4) is None
    assert lanes.take(5) is not None


def test_what_is_not_due_says_when_it_will_be() -> None:
    lanes = Lanes()
    assert lanes.soonest() is None
    lanes.put(head(1, due=7))
    lanes.put(head(2, due=3))
    assert lanes.soonest() == 3
