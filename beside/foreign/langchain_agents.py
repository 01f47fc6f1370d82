"""Agents of LangChain, all in one thread that has a cap; prints what became of each. In an environment of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from importlib import import_module
from typing import Any

agents: Any = import_module("langchain.agents")
middleware: Any = import_module("langchain.agents.middleware")
limit: Any = import_module("langchain.agents.middleware.model_call_limit")
langchain_openai: Any = import_module("langchain_openai")
memory: Any = import_module("langgraph.checkpoint.memory")


async def main(task: dict[str, Any]) -> list[str]:
    """Let all of them loose at once."""
    model = langchain_openai.ChatOpenAI(model=task["model"], base_url=task["url"], max_retries=0, max_tokens=1024)
    capped = middleware.ModelCallLimitMiddleware(thread_limit=task["most"], exit_behavior="error")
    saved, thread = memory.InMemorySaver(), {"configurable": {"thread_id": "one"}}

    async def one() -> str:
        turns = 1

        def again() -> str:
            """Do a small thing, which leads to the next."""
            nonlocal turns
            turns += 1
            return "call again {}" if turns < task["turns"] else "done"

        agent = agents.create_agent(model, [again], system_prompt=task["role"], middleware=[capped], checkpointer=saved)
        try:
            await agent.ainvoke({"messages": [{"role": "user", "content": "call again {}"}]}, thread)
        except limit.ModelCallLimitExceededError as error:
            return str(error)
        return "done"

    return list(await asyncio.gather(*(one() for _ in range(task["agents"]))))


print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
