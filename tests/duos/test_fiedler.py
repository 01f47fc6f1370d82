"""Fiedler before a real provider: who answers, what happens when one does not, what is never sent, what it costs.

Covers limits, ladders, the policy, the cache, drift, hedging and verdicts. Does not cover `Think`, through which MADs
ask: tests/behaviour/test_think.py does; nor the parts by themselves: tests/duos/test_fiedler_parts.py.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mads import Denied, Failed, Limited, MadsError, mad, on, tool
from mads.duos.fiedler import Escalated
from mads.guard.principals import ADMIN
from mads.host.config import MadConfig
from mads.testing.placed import Heard, Placed, placed
from mads.testing.provider import Provider, Say, provider
from mads.wire import codec
from mads.wire.call import Identity
from mads.wire.ledger import Reported
from mads.wire.model import ModelAnswer, Usage

COVERS = ("R-069", "R-070", "R-072", "R-073", "R-074", "R-078", "R-083")
pytestmark = pytest.mark.slow

Told = Mapping[str, Any]


class Asking:
    """A system with Fiedler, and the two providers that it knows as a and b, whose models are called alike."""

    def __init__(self, it: Placed, a: Provider, b: Provider) -> None:
        self.it, self.a, self.b = it, a, b

    async def complete(self, text: str = "Hello there", *, within: float = 10.0, **asked: Any) -> ModelAnswer:
        """Return what is answered to a text."""
        said = [{"role": "user", "text": text}]
        answer = await self.it.call("fiedler.complete", within=within, request={"messages": said, **asked})
        return msgspec.convert(answer, ModelAnswer)

    async def model(self, name: str) -> dict[str, Any]:
        """Return what is told of a model."""
        return next(each for each in await self.it.call("fiedler.models") if each["name"] == name)


def wishing(name: str, arguments: str) -> str:
    """Return an answer that wishes for a tool, as it travels."""
    wish = {"id": "1", "function": {"name": name, "arguments": arguments}}
    return msgspec.json.encode({"choices": [{"message": {"tool_calls": [wish]}}]}).decode()


@mad
class Bookkeeper:
    """You hear which model answered because others did not."""

    def __init__(self) -> None:
        self._heard: list[Escalated] = []

    @on(Escalated)
    async def escalated(self, event: Escalated) -> None:
        """Keep it."""
        self._heard.append(event)

    @tool(read_only=True)
    async def heard(self) -> list[Escalated]:
        """Return what was heard."""
        return self._heard


Ask = Callable[..., AbstractAsyncContextManager[Asking]]


@pytest.fixture(scope="module")
def both() -> Generator[tuple[Provider, Provider]]:
    with provider() as a, provider() as b:
        yield a, b


@pytest.fixture
def asking(tmp_path: Path, both: tuple[Provider, Provider]) -> Ask:
    """Run a system in which Fiedler is told this, besides where the providers are."""
    for each in both:
        each.say()
        each.limit()

    @asynccontextmanager
    async def run(
        policy: list[Told] | None = None, a: Told | None = None, b: Told | None = None
    ) -> AsyncGenerator[Asking]:
        told = dict(
            zip(
                "ab",
                ({"models": {"a": "id-a"}} | dict(a or {}), {"models": {"b": "id-b"}} | dict(b or {})),
                strict=True,
            )
        )
        providers = {name: {"url": it.url} | told[name] for name, it in zip("ab", both, strict=True)}
        may = tuple(f"net:{it.root.removeprefix('http://')}" for it in both)
        settings = {"providers": providers, "policy": policy or [{"models": ["a", "b"]}]}
        fiedler = MadConfig("mads.duos.fiedler:Fiedler", may=may, set=settings, at_once=64)
        async with placed(tmp_path, fiedler=fiedler, bookkeeper=f"{__name__}:Bookkeeper") as it:
            yield Asking(it, *both)

    return run


@pytest.mark.parametrize(
    ("say", "outcome"),
    [
        (Say(status=429, retry_after=30), "limited"),
        (Say(status=500), "overloaded"),
        (Say(status=401), "refused"),
        (Say(raw="<html>"), "broken"),
        (Say(raw='{"choices": []}'), "broken"),
        (Say(raw=wishing("f", '{"a":' + "[" * 99 + "]" * 99 + "}")), "broken"),
        (Say(raw=wishing("", "{}")), "broken"),
    ],
)
async def test_the_next_model_answers_for_one_that_fails_and_the_answer_says_which_rung_it_was(
    asking: Ask, say: Say, outcome: str
) -> None:
    async with asking() as it:
        it.a.say(say)
        answer = await it.complete()
        assert (answer.text, answer.model, answer.rung) == ("Hello there", "b", 2)
        assert [(each.rung, each.outcome) for each in answer.tried] == [(1, outcome), (2, "ok")]


async def test_the_trace_says_which_rung_answered_and_what_the_others_came_to(asking: Ask) -> None:
    async with asking([{"models": ["a", "b"], "cache": 60}]) as it:
        it.a.say(Say(status=429, retry_after=1))
        for _ in range(2):
            await it.complete()
        lines = await it.it.call("steward.traces", limit=9, failed=False, control=False)
        trees = [await it.it.call("steward.trace", id=line["trace"]) for line in lines]
    cached, asked = (next(_said(hop) for hop in tree["hops"] if hop["call"] == "fiedler.complete") for tree in trees)
    assert [(allowed, rule.partition(":")[0]) for allowed, rule in asked] == [(False, "rung 1 a"), (True, "rung 2 b")]
    assert "limited, answered 429" in asked[0][1]
    assert "tokens" in asked[1][1]
    assert cached == [(True, "from the cache, as b answered before")]


async def test_whoever_listens_hears_that_a_model_answered_because_the_first_did_not_and_why(asking: Ask) -> None:
    async with asking() as it:
        it.a.say(Say(), Say(status=401), Say(raw="<html>"))
        for _ in range(3):
            await it.complete()
        async with asyncio.timeout(5):
            while len(heard := await it.it.call("bookkeeper.heard")) < 2:
                await asyncio.sleep(0.01)
        assert [(each["model"], each["rung"], each["why"]) for each in heard] == [
            ("b", 2, ["a: refused"]),
            ("b", 2, ["a: broken"]),
        ]


async def test_a_model_that_is_slow_leaves_time_for_the_one_below_it(asking: Ask) -> None:
    async with asking() as it:
        it.a.say(Say(delay=5))
        answer = await it.complete(within=1.0)
        assert ([each.outcome for each in answer.tried], answer.model) == (["late", "ok"], "b")


async def test_a_provider_that_asked_to_be_left_alone_is_left_alone_and_then_asked_again(asking: Ask) -> None:
    async with asking([{"models": ["a"]}]) as it:
        it.a.say(Say(status=429, retry_after=0.4))
        answer = await it.complete()
        assert [each.outcome for each in answer.tried] == ["limited", "ok"]
        first, second = it.a.seen()[-2:]
        assert second.at - first.at >= 0.4
        it.a.say(Say(status=429, retry_after=30))
        with pytest.raises(Limited) as refused:
            await it.complete(within=2)
        assert refused.value.retry_after is not None
        assert 25 < refused.value.retry_after <= 30
        seen = len(it.a.seen())
        with pytest.raises(Limited):
            await it.complete(within=2)
        assert len(it.a.seen()) == seen


async def test_no_more_requests_leave_in_a_minute_than_the_provider_takes_whoever_asks(asking: Ask) -> None:
    async with asking([{"models": ["a"]}], a={"requests": 5}) as it:
        it.a.limit(requests=5)
        before = len(it.a.seen())
        came = await asyncio.gather(*(it.complete(within=1.5) for _ in range(12)), return_exceptions=True)
        assert sum(isinstance(each, ModelAnswer) for each in came) == 5
        assert sum(isinstance(each, Limited) for each in came) == 7
        seen = it.a.seen()[before:]
        assert [each.status for each in seen] == [200] * 5
        told = await it.model("a")
        assert (told["requests"], told["requests_limit"], told["waiting"]) == (5, 5, 0)


async def test_no_more_tokens_are_asked_for_in_a_minute_than_the_provider_takes(asking: Ask) -> None:
    async with asking([{"models": ["a"]}], a={"tokens": 200}) as it:
        it.a.limit(tokens=200)
        before = len(it.a.seen())
        words = "word " * 20
        await asyncio.gather(*(it.complete(words, max_tokens=40, within=1.5) for _ in range(9)), return_exceptions=True)
        seen = it.a.seen()[before:]
        assert seen
        assert {each.status for each in seen} == {200}


async def test_limits_hold_across_a_kill_and_a_restart_whatever_was_on_its_way(
    tmp_path: Path, both: tuple[Provider, Provider]
) -> None:
    it = both[0]
    it.say(Say(), Say(delay=3))
    settings = {"providers": {"a": {"url": it.url, "models": {"a": "id-a"}, "requests": 2}}}
    fiedler = MadConfig("mads.duos.fiedler:Fiedler", may=(f"net:{it.root.removeprefix('http://')}",), set=settings)
    asked = {"messages": [{"role": "user", "text": "across a kill"}]}
    async with placed(tmp_path, "process", fiedler=fiedler) as run:
        await run.call("fiedler.complete", request=asked)
        lost = asyncio.create_task(run.call("fiedler.complete", request=asked))
        async with asyncio.timeout(10):
            while not await run.system.book.lines(of="reserved"):
                await asyncio.sleep(0.01)
        [status] = [each for each in await run.system.status() if each.mad == "fiedler"]
        os.kill(status.pid, signal.SIGKILL)
        with pytest.raises(MadsError):
            await lost
    async with placed(tmp_path, "process", fiedler=fiedler) as run:
        with pytest.raises(MadsError, match="used up"):
            await run.call("fiedler.complete", request=asked, within=2)
        [told] = await run.call("fiedler.models")
    assert told["requests"] == 2
    async with asyncio.timeout(10):
        while (came := sum("across a kill" in str(each.body) for each in it.seen())) < 2:
            await asyncio.sleep(0.1)
    assert came == 2


async def test_what_stays_inside_is_sent_to_no_external_model_however_it_is_asked_for(asking: Ask) -> None:
    price = {"input": 1, "output": 1}
    external = {"place": "external", "models": {"a": {"id": "id-a", "price": price}}}
    async with asking(a=external) as it:
        before = len(it.a.seen())
        assert (await it.complete(labels=["personal"])).model == "b"
        with pytest.raises(Denied, match="'personal' stays inside"):
            await it.complete(labels=["personal"], model="a")
        assert len(it.a.seen()) == before
        assert (await it.complete(labels=["weather"])).model == "a"


async def test_a_provider_that_is_to_see_pseudonyms_sees_nobodys_address_and_the_caller_sees_it(asking: Ask) -> None:
    async with asking(a={"personal": "pseudonyms"}) as it:
        before = len(it.a.seen())
        said = 'Write to ana@example.org: call mail {"to": "ana@example.org"}'
        tools = [{"name": "mail", "description": "Write a letter.", "schema": {"type": "object"}}]
        assert (await it.complete(said)).text == said
        assert (await it.complete(said, tools=tools)).calls[0].arguments == {"to": "ana@example.org"}
        heard, request = Heard(), {"messages": [{"role": "user", "text": said}]}
        await it.it.call("fiedler.stream", heard=heard, request=request)
        assert "".join(piece.get("text", "") for piece in heard.items) == said
        seen = it.a.seen()[before:]
        assert len(seen) == 3
        assert all("[EMAIL_1]" in str(one.body) and "ana@" not in str(one.body) for one in seen)


async def test_the_policy_goes_by_task_and_by_label(asking: Ask) -> None:
    rules: list[Told] = [{"task": "write"}, {"label": "legal"}, {"label": "untrusted"}]
    async with asking([*({**rule, "models": ["b"]} for rule in rules), {"models": ["a"]}]) as it:
        asked: list[dict[str, Any]] = [{"task": "write"}, {"labels": ["legal"]}, {"task": "read"}]
        assert [(await it.complete(**each)).model for each in asked] == ["b", "b", "a"]
        tainted = Identity("tester", roles=(ADMIN,), labels=("untrusted:marco",))
        request = {"messages": [{"role": "user", "text": "as it carries"}]}
        assert (await it.it.call("fiedler.complete", principal=tainted, request=request))["model"] == "b"


async def test_another_model_behind_a_name_is_noticed_and_refused_where_that_is_asked_for(asking: Ask) -> None:
    watched = {"models": {"a": {"id": "id-a", "drift": "refuse"}}}
    async with asking([{"models": ["a", "b"]}], a=watched) as it:
        assert (await it.complete()).answered == "id-a"
        it.a.say(Say(model="id-a-2027"), always=True)
        answer = await it.complete()
        assert ([each.outcome for each in answer.tried], answer.model) == (["drifted", "ok"], "b")
        assert await it.it.call("fiedler.accept", model="a") == "id-a test"
        assert (await it.complete()).answered == "id-a-2027"
        it.b.say(Say(model="id-b-2027"))
        told = await it.complete(model="b")
        assert "under 'id-b' answers 'id-b-2027 test'" in told.flags[0]


async def test_a_stream_comes_in_pieces_and_its_whole_is_on_record(asking: Ask) -> None:
    async with asking() as it:
        it.a.say(Say(status=503))
        heard = Heard()
        request = {"messages": [{"role": "user", "text": "one two three four"}]}
        await it.it.call("fiedler.stream", heard=heard, request=request)
        *pieces, last = [codec.plain(item) for item in heard.items]
        assert "".join(piece["text"] for piece in pieces) == last["answer"]["text"] == "one two three four"
        assert (len(pieces) > 1, last["answer"]["rung"]) == (True, 2)


async def test_a_stream_that_is_cut_off_is_an_error_and_never_half_an_answer(asking: Ask) -> None:
    async with asking() as it:
        it.a.say(Say(cut=2))
        with pytest.raises(Failed, match="broke off"):
            await it.it.call("fiedler.stream", request={"messages": [{"role": "user", "text": "one two three four"}]})


async def test_usage_that_is_a_lie_is_seen_and_the_larger_figure_counts(asking: Ask) -> None:
    paid = {"models": {"a": {"id": "id-a", "price": {"input": 1, "output": 2}}}}
    async with asking(a=paid) as it:
        it.a.say(Say(text="word " * 400, usage=(1, 1)))
        answer = await it.complete("word " * 400)
        assert (answer.usage.input, answer.usage.output) == (500, 500)
        assert answer.cost == 500 + 1000
        assert len(answer.flags) == 2
        it.a.say(Say(usage=(3, 3)))
        assert (await it.complete("so it is")).flags == ()


async def test_every_attempt_is_in_the_book_before_it_is_made_and_with_what_it_came_to(asking: Ask) -> None:
    paid = {"models": {"a": {"id": "id-a", "price": {"input": 1, "output": 2}}}}
    async with asking(a=paid) as it:
        it.a.say(Say(status=429, retry_after=5))
        await it.complete("so it is")
        refused, answered = await it.it.system.book.lines()
        assert (refused.state, refused.amount.micro_usd, refused.what) == ("spent", 0, "a")
        assert (answered.state, answered.payer, answered.holder) == ("spent", "tester", "fiedler")
        assert answered.amount.usage.total > 0
        it.b.say(Say(delay=3))
        with pytest.raises(MadsError):
            await it.complete("so it is", model="b", within=0.4)
        last = (await it.it.system.book.lines())[-1]
        assert (last.state, last.amount.usage.output) == ("reserved", 1024)


async def test_what_the_provider_reports_otherwise_is_disputed_and_the_larger_counts(asking: Ask) -> None:
    paid = {"models": {"a": {"id": "id-a", "price": {"input": 1, "output": 2}}}}
    async with asking(a=paid) as it:
        for said in ((1, 1), (100, 100)):
            it.a.say(Say(usage=said))
            await it.complete("so it is " * 20)
        low, high = await it.it.system.book.lines()
        assert (low.amount.usage.input > 40, low.reported) == (True, Reported(3, 2))
        assert (high.amount.usage, high.reported) == (Usage(100, output=100), None)
        it.a.say(Say(usage=(9000, 9000)))
        await it.complete("so it is")
        believed = (await it.it.system.book.lines())[-1]
        assert (believed.amount.micro_usd, believed.reported) == (27_000, Reported(27_000, 18_000))


async def test_of_a_stream_that_breaks_off_what_arrived_is_spent_and_the_rest_stands(asking: Ask) -> None:
    paid = {"models": {"a": {"id": "id-a", "price": {"input": 1, "output": 2}}}}
    async with asking(a=paid) as it:
        it.a.say(Say(cut=2))
        with pytest.raises(MadsError):
            await it.it.call("fiedler.stream", request={"messages": [{"role": "user", "text": "so it is " * 20}]})
        rest, arrived, *_ = await it.it.system.book.lines()
        assert (rest.state, arrived.state, arrived.reported) == ("reserved", "spent", Reported())
        assert 20 < arrived.amount.usage.output < 45
        assert arrived.amount.usage.output + rest.amount.usage.output == 1024


async def test_exactly_the_same_request_is_answered_from_the_cache_and_an_old_answer_beats_none(asking: Ask) -> None:
    async with asking([{"models": ["a"], "cache": 60, "stale": True, "degraded": "Nobody is in."}]) as it:
        first, before = await it.complete(), len(it.a.seen())
        again = await it.complete()
        assert (again.cached, again.text, again.rung, len(it.a.seen())) == (True, first.text, 0, before)
        assert not (await it.complete(seed=3)).cached
        it.a.say(Say(status=401), always=True)
        last = await it.complete("Something else")
        assert (last.degraded, last.text, last.tried[0].outcome) == (True, "Nobody is in.", "refused")


async def test_a_second_model_is_asked_when_the_first_takes_too_long_and_the_first_answer_counts(asking: Ask) -> None:
    async with asking([{"models": ["a", "b"], "hedge": 0.1}]) as it:
        it.a.say(Say(delay=3))
        answer = await it.complete()
        assert (answer.model, answer.rung) == ("b", 2)
        assert [(each.model, each.outcome) for each in answer.tried] == [("b", "ok"), ("a", "cancelled")]
        assert answer.tried[1].usage.total > 0


async def test_what_most_models_say_is_the_verdict(asking: Ask) -> None:
    many = {"models": {"b": "id-b", "c": "id-c"}}
    async with asking([{"models": ["a", "b", "c"], "verdict": True}], b=many) as it:
        it.a.say(Say(text="No."))
        it.b.say(Say(text="Yes."), Say(text="yes. "))
        answer = await it.complete("Is it so?")
        assert (answer.text.strip().casefold(), answer.votes) == ("yes.", 2)


async def test_a_decision_is_one_of_the_options_and_vectors_are_as_many_as_texts(asking: Ask) -> None:
    async with asking() as it:
        decided = await it.it.call("fiedler.decide", question="Which?", options=["left", "right"], material=["a road"])
        assert (decided["option"], decided["shares"]) == ("left", {"left": 1.0})
        it.a.say(Say(text='{"option": "none of these"}'))
        assert (await it.it.call("fiedler.decide", question="Which?", options=["left"]))["option"] is None
        vectors = await it.it.call("fiedler.embed", texts=["one", "two"])
        assert len(vectors["vectors"]) == 2


async def test_what_fiedler_may_not_reach_it_says_with_the_line_to_write(tmp_path: Path, both: Any) -> None:
    policy = [{"models": ["a"], "degraded": "Not now."}]
    settings = {"providers": {"a": {"url": both[0].url, "models": {"a": "id-a"}}}, "policy": policy}
    async with placed(tmp_path, fiedler=MadConfig("mads.duos.fiedler:Fiedler", set=settings)) as it:
        with pytest.raises(MadsError, match=r"net:127\.0\.0\.1"):
            await it.call("fiedler.complete", request={"messages": [{"role": "user", "text": "x"}]})
        assert [(line.amount.calls, line.amount.usage.total) for line in await it.system.book.lines()] == [(0, 0)]


def _said(hop: dict[str, Any]) -> list[tuple[bool, str]]:
    """Return what Fiedler itself decided."""
    return [(each["allowed"], each["rule"]) for each in hop["decisions"] if each["layer"] == "mads.fiedler"]
