"""FastMCP's client: lists at each address, calls a tool there, and prints what came of it."""

import asyncio
import json
import sys
from importlib import import_module
from typing import Any

fastmcp: Any = import_module("fastmcp")  # it is installed beside the project, for this script alone


async def main(tasks: list[dict[str, Any]]) -> None:
    """Do each of `tasks`."""
    seen: list[dict[str, Any]] = []
    for task in tasks:
        mode = task["era"] if task["era"] == "2026-07-28" else "legacy"
        async with fastmcp.Client(task["address"], mode=mode) as client:
            tools = await client.list_tools()
            answer = await client.call_tool(task["tool"], task["given"])
        seen.append({"listed": [each.name for each in tools], "said": answer.content[0].text})
    print(json.dumps(seen))


asyncio.run(main(json.loads(sys.argv[1])))
