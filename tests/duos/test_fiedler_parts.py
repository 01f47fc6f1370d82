"""The parts of Fiedler by themselves: pace, counts, prices, the client of OpenAI's API.

Covers what needs no system. Does not cover them together before a provider: tests/duos/test_fiedler.py does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mads.duos.fiedler.config import Policy, Price, ProviderConfig, Providers
from mads.duos.fiedler.count import at_most, counted, larger
from mads.duos.fiedler.house import House, place_of
from mads.duos.fiedler.openai import OpenAI
from mads.duos.fiedler.pace import MINUTE, Pace
from mads.duos.fiedler.policy import Chooser
from mads.duos.fiedler.port import Answered, Trouble
from mads.duos.fiedler.prices import known, rates_of
from mads.duos.fiedler.shelf import SHELF
from mads.testing import reaching
from mads.wire import codec
from mads.wire.errors import ConfigError, Denied
from mads.wire.model import ModelMessage, ModelRequest, ToolCall, Usage
from mads.wire.secret import SecretRef
from mads.wire.web import Answer

COVERS = ("R-069", "R-083")

URL = "http://models.test/v1"
CHAT = f"{URL}/chat/completions"
ASKED = ModelRequest((ModelMessage("user", "Say hello."),))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 60)), max_size=40))
def test_no_window_of_a_minute_holds_more_than_the_limits_whatever_comes_when(
    arrivals: Sequence[tuple[float, int]],
) -> None:
    now, sent = 0.0, list[tuple[float, int]]()

    async def drive() -> None:
        nonlocal now
        pace = Pace("a", 5, 100, clock=lambda: now)
        for later, bound in arrivals:
            now += later
            if pace.wait(bound) <= 0:
                await pace.admit(bound, within=0)
                sent.append((now, bound))

    asyncio.run(drive())
    for start, _ in sent:
        window = [tokens for at, tokens in sent if start <= at < start + 60]
        assert len(window) <= 5
        assert sum(window) <= 100


async def test_what_took_less_than_was_counted_lets_the_next_one_go_at_once() -> None:
    pace = Pace("a", None, 100)
    first = await pace.admit(100, within=1)
    second = asyncio.create_task(pace.admit(90, within=1))
    await asyncio.sleep(0)
    pace.settle(first, 10)
    assert (await second).tokens == 90


async def test_nobody_overtakes_who_waits_for_a_provider() -> None:
    pace = Pace("a", None, 100)
    first = await pace.admit(100, within=1)
    waiting = asyncio.create_task(pace.admit(60, within=1))
    await asyncio.sleep(0)
    pace.settle(first, 50)
    with pytest.raises(Trouble, match="used up"):
        await pace.admit(1, within=0)
    waiting.cancel()


async def test_what_cannot_be_in_time_is_refused_at_once_with_the_seconds_to_wait() -> None:
    pace = Pace("a", 1, None)
    pace.settle(await pace.admit(1, within=1), 1)
    with pytest.raises(Trouble) as refused:
        async with asyncio.timeout(0.5):
            await pace.admit(1, within=30)
    assert refused.value.retry_after is not None
    assert MINUTE - 1 < refused.value.retry_after <= MINUTE


def test_a_request_never_has_more_tokens_than_is_counted_for_it_at_most() -> None:
    request = ModelRequest((ModelMessage("user", "naïve ✓ " * 50),), max_tokens=7)
    own = counted(request, Answered("x" * 28))
    assert at_most(request).input >= own.input
    assert (at_most(request).output, own.output) == (7, 7)


def test_of_two_counts_the_larger_is_taken_and_those_far_apart_are_flagged() -> None:
    own = Usage(input=100, output=50)
    assert larger(Usage(input=60, cached=60, output=40), own) == (Usage(input=60, cached=60, output=50), True, ())
    taken, disputed, flags = larger(Usage(input=1, output=2000), own)
    assert (taken, disputed) == (Usage(input=100, output=2000), True)
    assert len(flags) == 2
    assert larger(None, own)[0] == own


def test_a_price_is_a_whole_number_of_millionths_and_each_line_is_rounded_up() -> None:
    rates = rates_of(Price(input=0.4, output=1.6))
    assert (rates.input, rates.output, rates.cached) == (400_000, 1_600_000, 400_000)
    assert rates.cost(Usage(input=1, output=1)) == 1 + 2
    assert rates.cost(Usage(input=1_000_000, output=0)) == 400_000
    assert known("nobody", "gpt-4.1-mini") is None


def test_a_price_that_depends_on_something_is_the_highest_and_says_where_it_is_from() -> None:
    plain, tiers, vectors = (
        known(api, id_)
        for api, id_ in (("openai", "gpt-4o"), ("google", "gemini-2.5-pro"), ("openai", "text-embedding-3-small"))
    )
    assert plain is not None
    assert tiers is not None
    assert (plain.input, plain.output, plain.cached) == (2_500_000, 10_000_000, 1_250_000)
    assert plain.source == f"genai-prices {version('genai-prices')}"
    assert (tiers.input, tiers.output) == (2_500_000, 15_000_000)  # those of more than 200,000 tokens
    assert vectors is not None
    assert known("openai", "no-such-model") is None


def test_what_a_call_carries_counts_for_the_policy_like_what_a_request_says() -> None:
    house = House(reaching({}))
    told = {"a": {"models": {"out": "id"}, "url": URL}, "b": {"models": {"in": "id"}, "place": "inside", "url": URL}}
    house.furnish(codec.fit(told, Providers), SHELF)
    rules = codec.fit([{"label": "untrusted", "models": ["out", "in"]}, {"models": ["out"]}], Policy)
    chooser = Chooser(house, rules, ("personal",))

    def chosen(*labels: str) -> list[str]:
        return [model.name for model in chooser.chosen(replace(ASKED, labels=labels), "t")[1]]

    assert chosen() == chosen("weather") == ["out"]
    assert chosen("untrusted:marco") == ["out", "in"]
    assert chosen("untrusted:marco", "personal:ana") == ["in"]
    with pytest.raises(Denied, match="'personal' stays inside"):
        chosen("personal:ana")


def test_what_runs_on_this_machine_is_inside_unless_it_is_said_to_be_external() -> None:
    def place(**told: Any) -> str:
        return place_of(msgspec.convert({"models": {"m": "id"}, **told}, ProviderConfig))

    assert place(url="http://127.0.0.1:9/v1") == place(api="ollama") == "inside"
    assert place() == place(url="http://10.0.0.1/v1") == "external"
    assert place(url="http://localhost/v1", place="external") == "external"


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({"models": {"m": "id"}, "key": "sk-123"}, 'key = "secret:a/key"'),
        ({"models": {"m": "id"}, "key": "env:MADS_NO_SUCH_KEY"}, "export MADS_NO_SUCH_KEY"),
    ],
)
def test_a_key_is_a_handle_and_never_stands_in_the_configuration(told: Mapping[str, Any], line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        House(reaching({})).furnish(codec.fit({"a": told}, Providers), SHELF)
    assert line in str(refused.value)
    assert "sk-123" not in str(refused.value)


async def test_a_key_of_turings_leaves_as_a_handle() -> None:
    egress = reaching({CHAT: chat("Hello.")})
    house = House(egress)
    house.furnish(codec.fit({"a": {"models": {"m": "id"}, "url": URL, "key": "secret:a/key"}}, Providers), SHELF)
    await house.model("m").provider.complete("id", ASKED)
    assert egress.asked[0].headers["authorization"] == SecretRef("a/key").shaped("Bearer {}")


async def test_a_stream_is_read_wherever_its_pieces_are_cut() -> None:
    pieces: list[dict[str, Any]] = [
        {"choices": [{"delta": {"content": text}}], "model": "m-1"} for text in ("Hel", "lo ✓.")
    ]
    end: list[dict[str, Any]] = [
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": usage(3, 2)},
    ]
    body = b"".join(b"data: %b\r\n\r\n" % msgspec.json.encode(each) for each in [*pieces, *end]) + b"data: [DONE]\n\n"
    provider = OpenAI(URL, {}, reaching({CHAT: body}))
    *texts, whole = [item async for item in provider.stream("m", ASKED)]
    assert texts == ["Hel", "lo ✓."]
    assert whole == Answered("Hello ✓.", model="m-1", usage=Usage(input=3, output=2))


async def test_a_stream_that_ends_in_an_error_says_what_the_provider_said() -> None:
    body = b'data: {"choices": [{"delta": {"content": "Hel"}}]}\n\ndata: {"error": {"message": "no capacity"}}\n\n'
    stream = OpenAI(URL, {}, reaching({CHAT: body})).stream("m", ASKED)
    assert await anext(stream) == "Hel"
    with pytest.raises(Trouble, match="no capacity"):
        await anext(stream)


async def test_wishes_for_tools_are_put_together_from_their_pieces() -> None:
    parts = [
        {"index": 0, "id": "w", "function": {"name": "find", "arguments": '{"ab'}},
        {"index": 0, "function": {"arguments": 'out": "sea"}'}},
    ]
    body = b"".join(
        b"data: %b\n\n" % msgspec.json.encode({"choices": [{"delta": {"tool_calls": [part]}}]}) for part in parts
    )
    provider = OpenAI(URL, {}, reaching({CHAT: body + b"data: [DONE]\n\n"}))
    [whole] = [item async for item in provider.stream("m", ASKED)]
    assert isinstance(whole, Answered)
    assert whole.calls == (ToolCall("w", "find", {"about": "sea"}),)


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ('{"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": -9}}', (5, 0, 2)),
        ('{"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 50}}', (0, 50, 2)),
        ('{"prompt_tokens": 1' + "0" * 30 + ', "completion_tokens": -7}', (10**9, 0, 2)),
        ('{"prompt_tokens": "9", "completion_tokens": null}', (9, 0, 2)),
        ('{"prompt_tokens": 1.5}', (4, 0, 2)),
        ("[]", (4, 0, 2)),
    ],
)
async def test_whatever_a_provider_says_of_usage_costs_no_answer_and_fits_the_book(
    said: str, taken: tuple[int, int, int]
) -> None:
    body = '{"choices": [{"message": {"content": "Hello."}}], "model": null, "usage": ' + said + "}"
    answered = await OpenAI(URL, {}, reaching({CHAT: Answer(200, {}, CHAT, body.encode())})).complete("m", ASKED)
    usage, *_ = larger(answered.usage, Usage(input=4, output=2))
    assert (usage.input, usage.cached, usage.output) == taken


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(429, {"retry-after": "7"}, CHAT, b"slow down"), "limited"),
        (Answer(503, {}, CHAT, b""), "overloaded"),
        (Answer(404, {}, CHAT, b"no such model"), "refused"),
        (Answer(200, {}, CHAT, b"[1, 2]"), "broken"),
        (Answer(200, {}, CHAT, b'{"choices": []}'), "broken"),
        (Answer(200, {}, CHAT, b'{"a":' * 20_000 + b"1" + b"}" * 20_000), "broken"),
        (Answer(200, {}, CHAT, b'{"error": {"message": "no capacity"}}'), "overloaded"),
    ],
)
async def test_what_is_no_answer_says_what_it_is(answer: Answer, outcome: str) -> None:
    with pytest.raises(Trouble) as trouble:
        await OpenAI(URL, {}, reaching({CHAT: answer})).complete("m", ASKED)
    assert trouble.value.outcome == outcome
    assert trouble.value.retry_after == (7.0 if answer.status == 429 else None)


def chat(text: str) -> Answer:
    """Return an answer in one piece."""
    message = {"role": "assistant", "content": text}
    body = {"choices": [{"message": message, "finish_reason": "stop"}], "model": "m-1", "usage": usage(3, 2)}
    return Answer(200, {}, CHAT, msgspec.json.encode(body))


def usage(came: int, went: int) -> dict[str, int]:
    """Return what a provider says of tokens."""
    return {"prompt_tokens": came, "completion_tokens": went}
