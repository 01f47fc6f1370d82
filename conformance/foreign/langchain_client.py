"""What makes tools of LangChain from a server: lists at each address, calls a tool there, and prints what came of it.

It speaks the older era only.
"""

import asyncio
import json
import sys
from importlib import import_module
from typing import Any

adapters: Any = import_module("langchain_mcp_adapters.client")  # it is installed beside the project, for this script


async def main(tasks: list[dict[str, Any]]) -> None:
    """Do each of `tasks`."""
    seen: list[dict[str, Any]] = []
    for task in tasks:
        client = adapters.MultiServerMCPClient({"mads": {"transport": "streamable_http", "url": task["address"]}})
        tools = {each.name: each for each in await client.get_tools()}
        answer = await tools[task["tool"]].ainvoke(task["given"])
        seen.append({"listed": list(tools), "said": answer[0]["text"]})
    print(json.dumps(seen))


asyncio.run(main(json.loads(sys.argv[1])))
