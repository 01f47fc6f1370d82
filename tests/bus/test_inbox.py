"""Who finds a place in a full inbox: whoever sends without end crowds out himself."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from mads.bus.delivery import Delivery
from mads.bus.inbox import Inbox
from mads.wire.call import Band, Call, Identity

COVERS = ("R-122",)

CAPACITY = 5

sends = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(Band)), max_size=40)


def sent(by: str, band: int = Band.NORMAL, number: int = 0) -> Delivery:
    identity = Identity("ana", chain=("first", by))
    return Delivery(Call(subject="mads.x.y", body=None, id=str(number), deadline=0, identity=identity, band=band))


def by(delivery: Delivery) -> str:
    return delivery.call.identity.chain[-1]


@given(sends)
def test_nobody_is_refused_while_another_has_two_more_waiting(sends: list[tuple[str, Band]]) -> None:
    inbox = Inbox(CAPACITY, at_once=2, costs={})
    for number, (sender, band) in enumerate(sends):
        new, before = sent(sender, band, number), Counter(by(it) for it in inbox)
        if inbox.put(new):
            continue
        gone = inbox.yields(new.call)
        if gone is None:
            assert max(before.values()) <= before[sender] + 1
            continue
        assert before[by(gone)] == max(before.values()) > before[sender] + 1
        assert all(it.call.band <= gone.call.band for it in inbox if by(it) == by(gone))
        assert inbox.put(new)
    taken = [delivery.call for _ in range(CAPACITY) if (delivery := inbox.take(0.0)) is not None]
    for sender in "abc":
        mine = [(call.band, int(call.id)) for call in taken if call.identity.chain[-1] == sender]
        assert mine == sorted(mine)
