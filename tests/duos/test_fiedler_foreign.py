"""The clients that others wrote, before a provider that speaks as theirs do: one request each, and no retries.

Covers completion, tools and refusals by Anthropic's, Google's, Ollama's and OpenAI's client. Does not cover streams,
which come in one piece there.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from mads.host.config import MadConfig
from mads.testing.placed import placed
from mads.testing.provider import Provider, Say, provider

COVERS = ("R-073",)
pytestmark = pytest.mark.slow

APIS = ("anthropic", "google", "ollama", "openai-sdk")


@pytest.fixture(scope="module")
def models() -> Generator[Provider]:
    with provider() as it:
        yield it


async def test_each_is_asked_once_by_its_own_client_and_its_refusals_lead_to_the_next(
    tmp_path: Path, models: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADS_TEST_KEY", "key-of-a-test")
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
    tool = {
        "name": "find",
        "description": "Find it.",
        "schema": {"type": "object", "properties": {"about": {"type": "string"}}},
    }
    async with placed(tmp_path, fiedler=MadConfig("mads.duos.fiedler:Fiedler", may=may, set=settings)) as it:

        async def ask(text: str, **asked: Any) -> Any:
            messages = [{"role": "system", "text": "Be short."}, {"role": "user", "text": text}]
            return await it.call("fiedler.complete", request={"messages": messages, **asked})

        for api in APIS:
            answer = await ask("Hello there", model=api)
            assert (answer["text"], answer["answered"]) == ("Hello there", f"id-{api}")
            wish = await ask('call find {"about": "sea"}', model=api, tools=[tool])
            assert wish["calls"][0]["arguments"] == {"about": "sea"}
            assert "key-of-a-test" in str(models.seen()[-1].headers)
        before = len(models.seen())
        models.say(*(Say(status=429, retry_after=9), Say(status=500), Say(status=400)))
        last = await ask("Who is there?")
        assert [each["outcome"] for each in last["tried"]] == ["limited", "overloaded", "refused", "ok"]
        assert len(models.seen()) - before == 4
