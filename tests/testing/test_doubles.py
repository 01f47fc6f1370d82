"""A double stands for a need of the runtime, and does not let a mistake pass."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from mads import Emit, Failed, Log, NoModel, Random, Think, Workers, message
from mads.testing import emitting, inline, noting, rolling, saying, sending, stepping, ticking, turning
from mads.wire.errors import DeclarationError, InvalidMessage

COVERS = ("R-024",)


@message
class Done:
    """Something is done."""

    what: str
    more: object = None


async def test_saying_gives_its_answers_in_turn_and_remembers_what_was_asked() -> None:
    think = saying("Friday.", [Done(what="ship")])

    assert await think("When?", "a transcript") == "Friday."
    assert await think("What?", returning=list[Done], tools=[print]) == [Done(what="ship")]
    assert [it.question for it in think.asked] == ["When?", "What?"]
    assert think.asked[0].material == ("a transcript",)
    assert think.asked[1].tools == (print,)


async def test_saying_raises_an_answer_that_is_an_exception() -> None:
    think: Think = saying(NoModel("none is configured"))

    with pytest.raises(NoModel, match="none is configured"):
        await think("When?")


async def test_saying_fails_the_test_where_an_answer_is_missing_or_of_another_type() -> None:
    with pytest.raises(
        AssertionError, match=r"'When\?' was asked and nothing is left to say; write saying\(…\) with 1"
    ):
        await saying()("When?")
    with pytest.raises(AssertionError, match=r"would be told 'Friday\.': Expected `array`, got `str`"):
        await saying("Friday.")("When?", returning=list[Done])


async def test_stepping_takes_each_step_once_and_none_that_an_earlier_attempt_finished() -> None:
    async def double(number: int) -> int:
        return 2 * number

    step = stepping({"first": 1})
    assert [await step("first", double, 5), await step("second", double, number=7)] == [1, 14]
    assert [(taken.name, taken.arguments, taken.named) for taken in step.taken] == [("second", (), {"number": 7})]
    with pytest.raises(AssertionError, match="'second' was asked for twice"):
        await step("second", double, 7)
    with pytest.raises(InvalidMessage, match="a Loud cannot travel"):
        await step("third", _loud)


class Loud:
    """What cannot travel."""


async def _loud() -> Loud:
    return Loud()


async def test_sending_remembers_what_was_sent_and_gives_one_receipt_for_one_once() -> None:
    async def file(done: Done) -> None: ...

    send, done = sending(), Done(what="ship")

    receipts = [await send(file, done, key="k", once="17"), await send(file, done, once="17"), await send(file, done)]

    assert [receipt.id for receipt in receipts] == [1, 1, 2]
    assert [(sent.tool, sent.arguments, sent.key) for sent in send.sent] == [
        (file, (done,), "k"),
        (file, (done,), None),
    ]
    with pytest.raises(InvalidMessage, match="cannot travel"):
        await send(file, object())


async def test_turning_is_the_turn_that_was_asked_for_and_remembers_progress() -> None:
    turn = turning(attempt=2, key="k")
    turn.progress(1, 4, "reading")

    assert (turn.attempt, turn.key, turn.principal) == (2, "k", "tester")
    assert [(it.done, it.total, it.note) for it in turn.told] == [(1, 4, "reading")]


async def test_emitting_remembers_events_and_refuses_what_is_none() -> None:
    emit = emitting()
    await emit(Done(what="ship"), key="k")

    assert emit.events == [Done(what="ship")]
    anything: Emit = emit
    with pytest.raises(DeclarationError, match="str is no message"):
        await anything("done")
    with pytest.raises(InvalidMessage, match="cannot travel"):
        await anything(Done(what="ship", more=object()))


async def test_ticking_moves_when_told_and_when_slept_on() -> None:
    clock = ticking()
    start = clock.now()
    clock.tick(5)
    await clock.sleep(3600)

    assert start == datetime(2026, 1, 1, tzinfo=UTC)
    assert clock.now() - start == clock.elapsed() == timedelta(seconds=3605)


async def test_ticking_lets_others_run_while_it_sleeps() -> None:
    clock, ran = ticking(), asyncio.Event()
    asyncio.get_running_loop().call_soon(ran.set)
    await clock.sleep(1)

    assert ran.is_set()


def test_rolling_repeats_itself() -> None:
    def rolled(random: Random) -> tuple[float, int, str, str]:
        return random.random(), random.randint(1, 6), random.choice("abc"), random.token(4)

    assert rolled(rolling()) == rolled(rolling()) != rolled(rolling(1))
    assert len(rolling().token()) == 32


def double(number: int, *, times: int = 2) -> int:
    return number * times


def fail() -> None:
    raise Failed("no")


async def test_inline_runs_work_that_can_travel_and_no_other() -> None:
    workers: Workers = inline()
    here: Callable[[], int] = lambda: 1  # noqa: E731

    assert await workers.run(double, 2, times=3) == 6
    with pytest.raises(Failed, match="no"):
        await workers.run(fail)
    with pytest.raises(Exception, match="pickle"):
        await workers.run(here)


def test_noting_remembers_what_was_said() -> None:
    log = noting()
    speak: Log = log
    speak.info("read", files=3)
    speak.warning("slow")
    speak.error("broken", why="no disk")

    assert log.lines == [
        ("info", "read", {"files": 3}),
        ("warning", "slow", {}),
        ("error", "broken", {"why": "no disk"}),
    ]


def test_a_turn_adds_up_what_was_charged_and_refuses_what_is_no_amount() -> None:
    turn = turning()
    turn.charge(1_500)
    turn.charge(0)
    assert turn.charged == 1_500
    for amount in (-1, 1.5, True, "1", 10**13):
        with pytest.raises(InvalidMessage, match=r"charge\(.*\): write a whole number of millionths of a dollar"):
            turn.charge(cast("Any", amount))
    assert turn.charged == 1_500
