"""Each runtime in a process of its own: given a task, what became of each agent; None where it has no such cap."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

HERE = Path(__file__).parent
ROLE = "You do one small thing at a time, and say what you have done. " * 4
INSTALLED = HERE.parent / ".beside"
MADS = Path(sys.executable).with_name("mads")
WITHIN = 120
"""Seconds that one runtime has."""


class Task(Struct, frozen=True):
    """`agents` at once ask `model` at `url` up to `turns` times each, under one cap of `most` in `unit`."""

    url: str
    model: str
    price: tuple[float, float]
    agents: int
    turns: int
    unit: str
    most: float


SYSTEM = """\
[budget]
call = "{most} {unit}"

[mads]
agent = {{ use = "crew:Agent", at_once = 64 }}
lead = {{ use = "crew:Lead" }}

[mads.fiedler]
use = "mads.duos.fiedler:Fiedler"
at_once = 64
may = ["net:{host}"]
set.providers.near = {{ url = "{url}", models = {{ main = {{ id = "{model}", price = {price} }} }} }}
"""


def mads(task: Task) -> Sequence[str]:
    """Let the agents loose in a system of mads, by its command line."""
    with tempfile.TemporaryDirectory(prefix="mads-beside-") as written:
        folder = Path(written)
        shutil.copy(HERE / "crew.py", folder)
        host = task.url.removeprefix("http://").removesuffix("/v1")
        price = "{{ input = {}, output = {} }}".format(*task.price)
        (folder / "mads.toml").write_text(SYSTEM.format(**{**asdict(task), "price": price, "host": host}))
        up = [str(MADS), "up", "--port", "0", "--json"]
        with subprocess.Popen(up, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as core:
            assert core.stdout is not None
            try:
                core.stdout.readline()  # it is ready
                call = [str(MADS), "call", "lead.loose", f"agents={task.agents}", "--json"]
                return _printed(call, folder)
            finally:
                core.terminate()


def pydantic_ai(task: Task) -> Sequence[str]:
    """Let the agents loose in Pydantic AI: its runs share one usage, and each has the limit."""
    return _foreign("pydantic_ai_agents", task)


def langchain(task: Task) -> Sequence[str] | None:
    """Let the agents loose in LangChain: its runs belong to one thread, which has the limit; it limits calls alone."""
    return _foreign("langchain_agents", task) if task.unit == "calls" else None


RUNTIMES: Mapping[str, Callable[[Task], Sequence[str] | None]] = {
    "mads": mads,
    "pydantic-ai": pydantic_ai,
    "langchain": langchain,
}


def _foreign(script: str, task: Task) -> Sequence[str]:
    """Run a script in the environment of the others."""
    command = [
        sys.executable,
        "-S",
        "-P",
        str(HERE / "foreign" / f"{script}.py"),
        json.dumps({**asdict(task), "role": ROLE}),
    ]
    return _printed(command, HERE, PYTHONPATH=str(INSTALLED), OPENAI_API_KEY="none")


def _printed(command: Sequence[str], folder: Path, **variables: str) -> Sequence[str]:
    """Return the list that `command` prints."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        timeout=WITHIN,
        check=True,
        text=True,
    )
    found: list[str] = json.loads(done.stdout)
    return found
