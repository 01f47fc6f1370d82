"""Clients that others wrote: each lists what the gateway shows, and calls a tool of it, in each era that it speaks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from conformance.suite import FOLDER, HERE, NODE

OLDER, NEWER = "2025-11-25", "2026-07-28"
INSPECTOR = FOLDER / "npm/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
SCRIPTS = HERE / "foreign"
WITHIN = 60
"""Seconds that one client has, its start included."""

LISTINGS = {"/mcp": "fixture_test_x_mcp_header", "/mcp/dotted": "fixture.test_x_mcp_header"}
"""By the path where the tool is called, the name that it has there; its argument stands in a header as well."""


@dataclass(frozen=True)
class Task:
    """To list what an address shows, and to call one tool of it, which answers with what it is given."""

    address: str
    era: str
    tool: str
    given: Mapping[str, str] = field(default_factory=lambda: {"region": "eu-west"})


@dataclass(frozen=True)
class Seen:
    """What came of a task: the names that were listed, and what the tool said."""

    listed: Sequence[str]
    said: str


def inspector(tasks: Sequence[Task]) -> Iterator[Seen]:
    """Do `tasks` with the Inspector, by its command line."""
    for task in tasks:
        spoken = ("--protocol-era", "modern" if task.era == NEWER else "legacy")
        command = [str(NODE), str(INSPECTOR), "--cli", task.address, "--transport", "http", "--format", "json", *spoken]
        calling = ("--tool-name", task.tool, "--tool-arg", *(f"{name}={value}" for name, value in task.given.items()))
        listed = _printed([*command, "--method", "tools/list"])["result"]
        answer = _printed([*command, "--method", "tools/call", *calling])["result"]
        yield Seen([each["name"] for each in listed["tools"]], answer["content"][0]["text"])


def typescript(tasks: Sequence[Task]) -> Iterator[Seen]:
    """Do `tasks` with the client of the TypeScript SDK."""
    script = (SCRIPTS / "typescript.mjs").read_text(encoding="utf-8")
    yield from _done([str(NODE), "--input-type=module", "-"], tasks, script=script)


def fastmcp(tasks: Sequence[Task]) -> Iterator[Seen]:
    """Do `tasks` with FastMCP's client."""
    yield from _python("fastmcp", tasks)


def langchain(tasks: Sequence[Task]) -> Iterator[Seen]:
    """Do `tasks` with what makes tools of LangChain from a server."""
    yield from _python("langchain", tasks)


CLIENTS: Mapping[str, tuple[Callable[[Sequence[Task]], Iterator[Seen]], Sequence[str]]] = {
    "inspector": (inspector, (OLDER, NEWER)),
    "typescript": (typescript, (OLDER, NEWER)),
    "fastmcp": (fastmcp, (OLDER, NEWER)),
    "langchain": (langchain, (OLDER,)),
}
"""Every client with the eras that it speaks."""


def visit(client: str, base: str) -> dict[str, str]:
    """Let `client` list and call at the gateway of `base`; return by era and path what was wrong ("": nothing)."""
    use, eras = CLIENTS[client]
    tasks = [Task(base + path, era, tool) for era in eras for path, tool in LISTINGS.items()]
    told = {f"{task.era} {task.address.removeprefix(base)}": "it was not tried" for task in tasks}
    try:
        for where, task, seen in zip(told, tasks, use(tasks), strict=True):
            good = task.tool in seen.listed and seen.said in task.given.values()
            told[where] = "" if good else f"it saw {seen}"
    except (OSError, LookupError, ValueError, subprocess.SubprocessError) as error:
        why = f"{error}: {getattr(error, 'stderr', '')}"
        return {where: said and why for where, said in told.items()}
    return told


def _python(name: str, tasks: Sequence[Task]) -> Iterator[Seen]:
    command = [sys.executable, "-S", "-P", str(SCRIPTS / f"{name}_client.py")]
    return _done(command, tasks, env={"PYTHONPATH": str(FOLDER / name)})


def _done(command: Sequence[str], tasks: Sequence[Task], **how: Any) -> Iterator[Seen]:
    printed = _printed([*command, json.dumps([asdict(task) for task in tasks])], **how)
    return (Seen(**each) for each in printed)


def _printed(command: Sequence[str], *, script: str = "", env: Mapping[str, str] | None = None) -> Any:
    """Return the JSON that `command` prints, where `script` is what it reads."""
    held = {"MCP_CATALOG_PATH": os.devnull, **(env or {})}  # else the Inspector looks for one at home
    done = subprocess.run(
        command,
        input=script,
        env={**os.environ, **held},
        cwd=FOLDER / "npm",
        capture_output=True,
        timeout=WITHIN,
        check=True,
        text=True,
    )
    return json.loads(done.stdout)
