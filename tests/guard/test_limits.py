"""A rule holds whom it says, counts for whom it says, and refuses with its own words and a time to come back.

Covers the layer in one loop, with a clock of its own. Does not cover `mads.toml` or placements:
tests/behaviour/test_limits.py does.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from mads.guard.limits.book import COUNTERS, Book, Clock
from mads.guard.limits.gcra import SECOND, Pace
from mads.guard.limits.layer import limits
from mads.guard.limits.quota import Amount
from mads.guard.limits.rule import Rule
from mads.guard.rights.policy import Policy
from mads.store.quotas.memory import MemoryQuotas
from mads.wire.call import Call, Handle, Identity, Progress, Reply
from mads.wire.errors import Limited, StoreError
from mads.wire.failure import error_of
from mads.wire.served import Served

COVERS = ("R-045", "R-133")

WRITE = Served("scribe", "write")
RECALL = Served("scribe", "recall", read_only=True)
PRICE = Served("desk", "price")
ANA, BO = Identity("ana", "acme", roles=("guest",)), Identity("bo", "acme", roles=("guest", "boss"))
OTHER_ANA = Identity("ana", "other")
FIVE = Pace(12 * SECOND, 5, "5/min")
NO_ARGUMENTS = Raw(b"\x80")
NOON = 1_800_014_400.0


class Hands:
    """The hands of a clock."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> Clock:
        """Return a clock with these hands."""
        return Clock(lambda: round(self.now * SECOND), lambda: NOON + self.now)


class System:
    """The layer round some tools that answer at once, or with what `handler` returns."""

    def __init__(self, *rules: Rule) -> None:
        self.hands, self.policy = Hands(), Policy()
        self.book = Book(rules, self.policy, self.hands.clock())
        self.book.store = self.store = MemoryQuotas()
        self.handler: Handle = self._answer
        self._layer = limits(self.book)

    async def ask(self, who: Identity, what: Served = WRITE, body: Any = NO_ARGUMENTS, sink: Any = None) -> Reply:
        """Return the reply to a call."""
        subject = f"mads.{what.mad}.{what.name}"
        call = Call(subject=subject, body=body, id="r-1", deadline=1e12, identity=who, sink=sink)
        return await self._layer(what)(self.handler)(call)

    async def admitted(self, who: Identity, what: Served = WRITE, *, times: int = 10) -> int:
        """Return how many of so many calls are admitted."""
        return [(await self.ask(who, what)).failure for _ in range(times)].count(None)

    async def refused(self, who: Identity, what: Served = WRITE, **more: Any) -> Limited:
        """Return why a call is refused."""
        reply = await self.ask(who, what, **more)
        assert reply.failure is not None
        error = error_of(reply.failure)
        assert isinstance(error, Limited)
        assert (reply.decisions[-1].layer, reply.decisions[-1].allowed) == ("limits", False)
        assert reply.decisions[-1].rule == error.rule
        return error

    async def _answer(self, _: Call) -> Reply:
        return Reply(Raw(b"\x01"))


async def test_the_sixth_call_is_refused_with_the_rule_and_a_time_and_another_caller_is_not() -> None:
    system = System(Rule(tool="mads.scribe.*", each=("principal",), rate=FIVE))

    assert await system.admitted(ANA, times=5) == 5
    error = await system.refused(ANA)
    assert str(error) == "mads.scribe.write may not be called yet; each principal of tool mads.scribe.*: rate 5/min"
    assert (error.rule, error.retry_after) == ("each principal of tool mads.scribe.*: rate 5/min", 12.0)
    assert (error.where, error.request) == ("scribe", "r-1")
    assert await system.admitted(BO, times=5) == 5
    assert await system.admitted(OTHER_ANA, times=5) == 5
    system.hands.now = 12
    assert await system.admitted(ANA) == 1


async def test_what_is_refused_counts_nowhere() -> None:
    system = System(
        Rule(each=("principal",), rate=Pace(SECOND, 8, "1/s")), Rule(mad="scribe", each=("principal",), rate=FIVE)
    )

    assert await system.admitted(ANA) == 5
    assert await system.admitted(ANA, PRICE) == 3


async def test_of_several_rules_the_one_is_told_that_lasts_longest() -> None:
    system = System(
        Rule(each=("principal",), rate=Pace(SECOND, 1, "1/s")),
        Rule(each=("tenant",), quota=Amount(1, "day")),
        Rule(each=("system",), rate=Pace(9 * SECOND, 1, "1/9 s")),
    )
    assert await system.admitted(ANA) == 1
    error = await system.refused(ANA)
    assert error.rule == "each tenant: quota 1/day"
    assert error.retry_after == 12 * 3600


SHARED: list[tuple[Rule, list[tuple[Identity, Served]], list[tuple[Identity, Served]]]] = [
    (Rule(each=("principal",)), [(ANA, WRITE), (ANA, PRICE)], [(BO, WRITE), (OTHER_ANA, WRITE)]),
    (Rule(each=("role",), role="guest"), [(ANA, WRITE), (BO, PRICE)], [(replace(ANA, tenant="other"), WRITE)]),
    (Rule(each=("role",)), [(ANA, WRITE), (BO, WRITE)], [(OTHER_ANA, WRITE), (replace(BO, roles=("cook",)), WRITE)]),
    (Rule(each=("tenant",)), [(ANA, WRITE), (BO, PRICE)], [(OTHER_ANA, WRITE)]),
    (Rule(each=("mad",)), [(ANA, WRITE), (OTHER_ANA, RECALL)], [(ANA, PRICE)]),
    (Rule(each=("tool",)), [(ANA, WRITE), (OTHER_ANA, WRITE)], [(ANA, RECALL)]),
    (Rule(each=("system",)), [(ANA, WRITE), (OTHER_ANA, PRICE)], []),
    (Rule(each=("principal", "tool")), [(ANA, WRITE)], [(ANA, RECALL), (BO, WRITE), (OTHER_ANA, WRITE)]),
    (Rule(each=("system",), principal="ana"), [(ANA, WRITE), (OTHER_ANA, WRITE)], [(BO, WRITE)]),
    (Rule(each=("system",), tenant="acme"), [(ANA, WRITE), (BO, WRITE)], [(OTHER_ANA, WRITE)]),
    (Rule(each=("system",), role="boss"), [(BO, WRITE)], [(ANA, WRITE)]),
    (Rule(each=("system",), mad="scribe"), [(ANA, WRITE), (BO, RECALL)], [(ANA, PRICE)]),
    (Rule(each=("system",), tool="mads.*.write"), [(ANA, WRITE)], [(ANA, RECALL), (ANA, PRICE)]),
    (Rule(each=("system",), tool="mads.>:read_only"), [(ANA, RECALL)], [(ANA, WRITE)]),
]


@pytest.mark.parametrize(("rule", "sharing", "others"), SHARED, ids=lambda it: it.title if isinstance(it, Rule) else "")
async def test_a_rule_counts_for_whom_it_says(
    rule: Rule, sharing: list[tuple[Identity, Served]], others: list[tuple[Identity, Served]]
) -> None:
    for first in sharing:
        system = System(replace(rule, rate=Pace(SECOND, 1, "1/s")))
        assert (await system.ask(*first)).failure is None
        for again in sharing:
            assert (await system.ask(*again)).failure is not None
        for other in others:
            assert (await system.ask(*other)).failure is None


async def test_a_role_that_is_given_counts_from_the_next_call_on() -> None:
    system = System(Rule(role="slow", each=("principal",), rate=Pace(SECOND, 1, "1/s")))
    assert await system.admitted(ANA) == 10
    system.policy.put((), {("acme", "ana"): ("slow",)}, 1)
    assert await system.admitted(ANA) == 1
    assert await system.admitted(OTHER_ANA) == 10
    system.policy.put((), {}, 2)
    assert await system.admitted(ANA) == 10


async def test_what_mads_ask_of_each_other_counts_only_where_they_are_named() -> None:
    inside = replace(ANA, chain=("desk",))
    own = Identity("mad:desk", chain=("desk",))
    everywhere = Rule(each=("principal",), rate=FIVE)
    assert await System(everywhere).admitted(ANA) == 5
    assert await System(everywhere).admitted(inside) == 10
    assert await System(everywhere).admitted(own) == 5
    for rule in (replace(everywhere, mad="scribe"), replace(everywhere, tool="mads.scribe.*")):
        assert await System(rule).admitted(inside) == 5
    assert await System(replace(everywhere, each=("principal", "tool"))).admitted(inside) == 5


async def test_events_timers_and_the_operator_at_the_steward_have_no_limit() -> None:
    everything = Rule(each=("system",), rate=FIVE)
    operator, steward = Identity("operator"), Served("steward", "ps")
    for event in (Served("scribe", "minute", "event"), Served("scribe", "tick", "timer")):
        assert await System(everything).admitted(ANA, event) == 10
    assert await System(everything).admitted(operator, steward) == 10
    assert await System(everything).admitted(ANA, steward) == 5
    assert await System(everything).admitted(operator) == 5


async def test_no_more_are_handled_at_once_and_a_slot_is_free_however_its_call_ended() -> None:
    system = System(Rule(each=("principal",), at_once=2))
    begun, go_on = asyncio.Queue[None](), asyncio.Event()

    async def handler(_: Call) -> Reply:
        begun.put_nowait(None)
        await go_on.wait()
        return Reply()

    async def breaks(_: Call) -> Reply:
        raise ValueError

    system.handler = handler
    running = [asyncio.create_task(system.ask(ANA)) for _ in range(2)]
    async with asyncio.timeout(5):
        for _ in running:
            await begun.get()
    error = await system.refused(ANA)
    assert error.rule == "each principal: at_once 2"
    assert error.retry_after is not None
    running[0].cancel()
    await asyncio.gather(running[0], return_exceptions=True)
    system.handler = breaks
    for _ in range(3):
        with pytest.raises(ValueError):  # noqa: PT011  its own
            await system.ask(ANA)
    go_on.set()
    await asyncio.gather(*running, return_exceptions=True)
    assert [counter.use(0) for counter in system.book.counters()] == []


async def test_what_is_too_large_is_refused_for_good_before_it_is_handled() -> None:
    system = System(Rule(size=100), Rule(mad="scribe", size=10))
    assert (await system.ask(ANA, body=Raw(b"x" * 10))).failure is None
    assert (await system.ask(ANA, PRICE, body=b"x" * 98)).failure is None
    error = await system.refused(ANA, body=Raw(b"x" * 11))
    assert str(error) == "mads.scribe.write: its arguments take 11 bytes; mad scribe: size 10"
    assert error.retry_after is None
    assert (await system.refused(ANA, PRICE, body=b"x" * 99)).rule == "every call: size 100"


async def test_an_answer_that_is_too_large_is_refused() -> None:
    system = System(Rule(reply=10))

    def answering(body: Any) -> Callable[[Call], Awaitable[Reply]]:
        async def handler(_: Call) -> Reply:
            return Reply(body)

        return handler

    for body in (Raw(b"x" * 10), "x" * 9, None):
        system.handler = answering(body)
        assert (await system.ask(ANA)).failure is None
    system.handler = answering(Raw(b"x" * 11))
    assert str(await system.refused(ANA)) == "mads.scribe.write: its answer takes 11 bytes; every call: reply 10"


@pytest.mark.parametrize("goes_on", [False, True])
async def test_a_stream_ends_with_the_item_that_is_too_much(*, goes_on: bool) -> None:
    class Reader:
        items = 0

        async def item(self, _: Any) -> None:
            self.items += 1

        def progress(self, _: Progress) -> None:
            """Hear nothing."""

    async def handler(call: Call) -> Reply:
        assert call.sink is not None
        for _ in range(5):
            try:
                await call.sink.item(Raw(b"xxx"))
            except Limited:
                if not goes_on:
                    raise
        return Reply()

    system, reader = System(Rule(reply=10)), Reader()
    system.handler = handler
    error = await system.refused(ANA, sink=reader)
    assert "its answer takes 1" in str(error)
    assert reader.items == 3


async def test_what_admits_is_on_record() -> None:
    system = System(Rule(each=("principal",), rate=FIVE), Rule(size=9))
    told = (await system.ask(ANA)).decisions
    assert [(it.layer, it.allowed, it.rule) for it in told] == [
        ("limits", True, "each principal"),
        ("limits", True, "every call"),
    ]


async def test_a_quota_holds_until_its_day_is_over_whoever_counts() -> None:
    system = System(Rule(each=("tenant",), quota=Amount(7, "day")))
    assert await system.admitted(ANA, times=4) == 4
    assert [used for _, used in await system.book.accounts()] == [4]
    await system.book.close()
    again = System(Rule(each=("tenant",), quota=Amount(7, "day")))
    again.book.store = system.store
    assert await again.admitted(BO) == 3
    again.hands.now = 12 * 3600 - 1.0
    assert (await again.refused(BO)).retry_after == 1.0
    again.hands.now = 12 * 3600
    assert await again.admitted(BO) == 7


async def test_at_once_no_more_are_admitted_than_the_quota_has() -> None:
    system = System(
        Rule(each=("system",), quota=Amount(500, "month")), Rule(each=("tenant",), quota=Amount(300, "day"))
    )
    replies = await asyncio.gather(*(system.ask(who) for _ in range(400) for who in (ANA, OTHER_ANA)))
    assert [reply.failure for reply in replies].count(None) == 500


async def test_a_quota_that_cannot_be_counted_admits_nobody() -> None:
    class Full(MemoryQuotas):
        async def debit(self, account: Any, amount: int, *, most: int) -> int:
            raise StoreError(f"the disk is full: {account}, {amount}, {most}")

    system = System(Rule(each=("system",), quota=Amount(500, "month")))
    system.book.store = Full()
    with pytest.raises(StoreError):
        await system.ask(ANA)


async def test_a_rule_that_changes_counts_what_it_counted_before() -> None:
    rule = Rule(tool="mads.scribe.*", each=("principal",), rate=FIVE, at_once=4, quota=Amount(100, "day"))
    system, free = System(rule), asyncio.Event()

    async def held(_: Call) -> Reply:
        await free.wait()
        return Reply(Raw(b"\x01"))

    system.handler = held
    running = [asyncio.create_task(system.ask(ANA)) for _ in range(3)]
    while not system.book.counters() or system.book.counters()[0].use(0).running != 3:
        await asyncio.sleep(0)
    assert system.book.adopt([replace(rule, at_once=2)])
    assert (await system.refused(ANA)).rule == "each principal of tool mads.scribe.*: at_once 2"
    free.set()
    await asyncio.gather(*running)
    assert await system.admitted(ANA) == 2
    assert system.book.adopt([replace(rule, rate=Pace(SECOND, 50, "1/s"), quota=Amount(7, "day"))])
    assert await system.admitted(ANA) == 1  # five were, and of the lease one is lost
    assert (await system.refused(ANA)).rule == "each principal of tool mads.scribe.*: quota 7/day"
    assert system.book.adopt([replace(rule, rate=Pace(SECOND, 50, "1/s"), quota=Amount(11, "day"))])
    assert await system.admitted(ANA, times=20) == 4


@pytest.mark.parametrize(
    "other",
    [
        (),
        (Rule(tool="mads.scribe.*", each=("tenant",), rate=FIVE),),
        (Rule(tool="mads.scribe.*", each=("principal",), at_once=5),),
        (Rule(tool="mads.scribe.*", each=("principal",), rate=FIVE, at_once=5),),
    ],
)
async def test_rules_that_count_something_else_are_not_taken_up(other: tuple[Rule, ...]) -> None:
    system = System(Rule(tool="mads.scribe.*", each=("principal",), rate=FIVE))
    assert not system.book.adopt(other)
    assert await system.admitted(ANA) == 5


@pytest.mark.slow
async def test_counters_that_know_nothing_are_forgotten_and_the_others_count_on() -> None:
    system = System(Rule(each=("principal",), rate=FIVE))
    assert await system.admitted(ANA) == 5
    for number in range(COUNTERS):
        await system.ask(Identity(f"p{number}"))
    assert len(system.book.counters()) == COUNTERS + 1
    system.hands.now = 11
    for number in range(COUNTERS):
        await system.ask(Identity(f"q{number}"))
    assert await system.admitted(ANA) == 0
    system.hands.now = 300
    for number in range(2 * COUNTERS + 2):
        await system.ask(Identity(f"r{number}"))
    assert len(system.book.counters()) == 2 * COUNTERS + 2
