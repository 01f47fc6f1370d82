"""Agents of Pydantic AI under one cap; prints what became of each. It runs in an environment of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from decimal import Decimal
from importlib import import_module
from typing import Any

ai: Any = import_module("pydantic_ai")
openai: Any = import_module("pydantic_ai.models.openai")
openai_provider: Any = import_module("pydantic_ai.providers.openai")

UNITS = {"tokens": "total_tokens_limit", "calls": "request_limit", "USD": "cost_limit"}


async def main(task: dict[str, Any]) -> list[str]:
    """Let all of them loose at once."""
    provider = openai_provider.OpenAIProvider(base_url=task["url"])
    model = openai.OpenAIChatModel(task["model"], provider=provider)
    most = Decimal(str(task["most"])) if task["unit"] == "USD" else task["most"]
    limits, shared = ai.UsageLimits(**{"request_limit": None, UNITS[task["unit"]]: most}), ai.RunUsage()

    async def one() -> str:
        turns = 1

        def again() -> str:
            """Do a small thing, which leads to the next."""
            nonlocal turns
            turns += 1
            return "call again {}" if turns < task["turns"] else "done"

        agent = ai.Agent(model, system_prompt=task["role"], tools=[again], model_settings={"max_tokens": 1024})
        try:
            await agent.run("call again {}", usage=shared, usage_limits=limits)
        except ai.UsageLimitExceeded as error:
            return str(error)
        return "done"

    return list(await asyncio.gather(*(one() for _ in range(task["agents"]))))


print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
