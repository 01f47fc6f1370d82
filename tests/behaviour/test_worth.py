"""What an answer is worth is said with the call, and no model is asked that may cost more, wherever the MADs run."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from mads import Failed, InvalidMessage
from mads.guard.principals import OPERATOR
from mads.host.config import MadConfig
from mads.testing.provider import Provider, Say, provider
from mads.wire.call import Identity
from tests.behaviour.conftest import Troupe

COVERS = ("R-060", "R-074")
pytestmark = pytest.mark.slow


@pytest.fixture
def models() -> Generator[Provider]:
    with provider() as it:
        yield it


def asking(models: Provider, *, order: tuple[str, ...] = ("dear", "cheap")) -> dict[str, Any]:
    """Return the MADs of a system that asks a dear model first, and then a cheap one, or in another order."""
    dear, cheap = {"input": 100, "output": 200}, {"input": 1, "output": 2}
    known = {"dear": {"id": "dear", "price": dear}, "cheap": {"id": "cheap", "price": cheap}}
    told = {"providers": {"a": {"url": models.url, "models": known}}, "policy": [{"models": [*order]}]}
    may = (f"net:{models.root.removeprefix('http://')}",)
    return {
        "fiedler": MadConfig("mads.duos.fiedler:Fiedler", may=may, set=told),
        "agent": MadConfig("tests.behaviour.spenders:Agent"),
    }


async def test_a_model_that_may_cost_more_than_the_answer_is_worth_is_not_asked_and_the_trace_says_why(
    troupe: Troupe, models: Provider
) -> None:
    async with troupe(**asking(models)) as it:
        assert await it.call("agent.ask", text="hello")
        assert await it.call("agent.ask", text="hello", worth=0.01)
        assert [seen.body["model"] for seen in models.seen()] == ["dear", "cheap"]

        request = {"messages": [{"role": "user", "text": "hello"}]}
        answer = await it.call("fiedler.complete", request=request, worth=0.01)
        assert [(tried["model"], tried["outcome"]) for tried in answer["tried"]] == [("dear", "worth"), ("cheap", "ok")]
        assert "0.010000 USD of what it is worth are left" in answer["tried"][0]["why"]


async def test_the_book_says_what_a_cheap_answer_saved_and_how_often_the_first_model_did_not_answer(
    troupe: Troupe, models: Provider
) -> None:
    async with troupe(**asking(models, order=("cheap", "dear"))) as it:
        await it.call("agent.ask", text="hello")
        models.say(Say(status=400))
        await it.call("agent.ask", text="hello")
        sums = {each["name"]: each["spent"] for each in await it.call("steward.cost", principal=Identity(OPERATOR))}
        cheap, dear = sums["cheap"], sums["dear"]
        assert cheap["saved_usd"] == 99 * cheap["micro_usd"] > 0
        assert (cheap["escalated"], dear["escalated"], dear["saved_usd"]) == (0, 1, 0)


async def test_a_mad_says_what_an_answer_is_worth_and_cannot_raise_what_its_caller_said(
    troupe: Troupe, models: Provider
) -> None:
    async with troupe(**asking(models)) as it:
        for said, asked in (None, 1.0), (None, 0.01), (0.01, 1.0), (1.0, 0.01):
            assert await it.call("agent.ask_for", text="hello", asked_worth=asked, worth=said)
        assert [seen.body["model"] for seen in models.seen()] == ["dear", "cheap", "cheap", "cheap"]
        with pytest.raises(InvalidMessage, match=r"worth nan; write how many dollars, as in 0\.05"):
            await it.call("agent.ask_for", text="hello", asked_worth=float("nan"))


async def test_where_no_model_is_worth_it_none_is_asked(troupe: Troupe, models: Provider) -> None:
    async with troupe(**asking(models)) as it:
        with pytest.raises(Failed, match="of what it is worth are left"):
            await it.call("agent.ask", text="hello", worth=0.000_01)
        assert models.seen() == []
        with pytest.raises(InvalidMessage, match=r"worth -1; write how many dollars, as in 0\.05"):
            await it.call("agent.ask", text="hello", worth=-1)
