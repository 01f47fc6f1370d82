"""The clients that others wrote, before a provider that speaks as theirs do: one request each, and no retries.

Covers completion, tools, streams, vectors and refusals by Anthropic's, Google's, Ollama's and OpenAI's client. Does not
cover what Fiedler makes of an answer: tests/duos/test_fiedler.py does.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mads import Failed
from mads.host.config import MadConfig
from mads.testing.placed import Heard, Placed, placed
from mads.testing.provider import Provider, Say, provider
from mads.wire import codec

COVERS = ("R-073",)
pytestmark = pytest.mark.slow

APIS = ("anthropic", "google", "ollama", "openai-sdk")
TOOL = {
    "name": "find",
    "description": "Find it.",
    "schema": {"type": "object", "properties": {"about": {"type": "string"}}},
}


@pytest.fixture(scope="module")
def models() -> Generator[Provider]:
    with provider() as it:
        yield it


class Asking:
    """A system with Fiedler that knows one model by each client, called like its API."""

    def __init__(self, it: Placed) -> None:
        self.it = it

    async def complete(self, text: str, **asked: Any) -> Any:
        """Return what is answered to a text."""
        return await self.it.call("fiedler.complete", request=_request(text, **asked))

    async def stream(self, text: str, **asked: Any) -> tuple[list[str], Any]:
        """Return the pieces of what is answered, and the whole."""
        heard = Heard()
        await self.it.call("fiedler.stream", heard=heard, request=_request(text, **asked))
        *pieces, last = [codec.plain(item) for item in heard.items]
        return [piece["text"] for piece in pieces], last["answer"]


@asynccontextmanager
async def asking(folder: Path, models: Provider) -> AsyncGenerator[Asking]:
    models.say()
    rooted = {"anthropic": models.root, "google": models.root}
    told: dict[str, Any] = {
        api.replace("-", "_"): {
            "api": api,
            "url": rooted.get(api, models.url),
            "key": "env:MADS_TEST_KEY",
            "models": {api: f"id-{api}"},
        }
        for api in APIS
    }
    may = (f"net:{models.root.removeprefix('http://')}",)
    settings = {"providers": told, "policy": [{"models": list(APIS)}]}
    async with placed(folder, fiedler=MadConfig("mads.duos.fiedler:Fiedler", may=may, set=settings)) as it:
        yield Asking(it)


async def test_each_is_asked_once_by_its_own_client_and_its_refusals_lead_to_the_next(
    tmp_path: Path, models: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADS_TEST_KEY", "key-of-a-test")
    async with asking(tmp_path, models) as it:
        for api in APIS:
            answer = await it.complete("Hello there", model=api)
            assert (answer["text"], answer["answered"]) == ("Hello there", f"id-{api}")
            wish = await it.complete('call find {"about": "sea"}', model=api, tools=[TOOL])
            assert wish["calls"][0]["arguments"] == {"about": "sea"}
            assert "key-of-a-test" in str(models.seen()[-1].headers)
        before = len(models.seen())
        models.say(*(Say(status=429, retry_after=9), Say(status=500), Say(status=400)))
        last = await it.complete("Who is there?")
        assert [each["outcome"] for each in last["tried"]] == ["limited", "overloaded", "refused", "ok"]
        assert len(models.seen()) - before == 4


async def test_what_their_clients_fall_over_is_a_broken_answer_and_the_next_is_asked(
    tmp_path: Path, models: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADS_TEST_KEY", "key-of-a-test")
    async with asking(tmp_path, models) as it:
        for raw in ("[]", "{}", '{"a":' * 20_000 + "1" + "}" * 20_000):
            models.say(*[Say(raw=raw)] * 3)
            answer = await it.complete("Who is there?")
            assert [each["outcome"] for each in answer["tried"]] == [*["broken"] * 3, "ok"]
        said = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "\ud83d!"}}
        half = json.dumps({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [said]})
        models.say(Say(raw=half))
        assert (await it.complete("Who is there?", model="ollama"))["text"] == "?!"


async def test_each_streams_in_pieces_with_what_it_took_and_a_stream_that_is_cut_is_an_error(
    tmp_path: Path, models: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADS_TEST_KEY", "key-of-a-test")
    async with asking(tmp_path, models) as it:
        for api in APIS:
            models.say(Say(pause=0.01))
            pieces, answer = await it.stream("one two three four", model=api)
            assert (len(pieces) > 1, "".join(pieces), answer["text"]) == (True, *["one two three four"] * 2)
            assert (answer["answered"], answer.get("flags")) == (f"id-{api}", None)
            pieces, wish = await it.stream('call find {"about": "sea"}', model=api, tools=[TOOL])
            assert (wish["calls"][0]["arguments"], wish["finish"]) == ({"about": "sea"}, "tool_calls")
            models.say(Say(cut=2, pause=0.01))
            with pytest.raises(Failed, match="no model answered"):
                await it.stream("one two three four", model=api)
            models.say(Say(status=429, retry_after=0))
            assert (await it.stream("one two", model=api))[1]["tried"][0]["outcome"] == "limited"


async def test_vectors_come_from_those_whose_client_makes_them(
    tmp_path: Path, models: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADS_TEST_KEY", "key-of-a-test")
    async with asking(tmp_path, models) as it:
        for api in ("google", "ollama", "openai-sdk"):
            found = await it.it.call("fiedler.embed", texts=["one", "two"], model=api)
            assert (len(found["vectors"]), len(found["vectors"][0])) == (2, 8)
        with pytest.raises(Failed, match="makes no vectors"):
            await it.it.call("fiedler.embed", texts=["one"], model="anthropic")


def _request(text: str, **asked: Any) -> dict[str, Any]:
    return {"messages": [{"role": "system", "text": "Be short."}, {"role": "user", "text": text}], **asked}
