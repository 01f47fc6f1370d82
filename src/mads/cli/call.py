"""`mads call`: any tool of any MAD, its arguments typed by its own schema."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import click
import msgspec

from mads.cli.arguments import Parameters
from mads.cli.completion import arguments_of, tool_names
from mads.cli.form import filled
from mads.cli.remote import Remote, connected, short
from mads.cli.terminal import VISIBLE, Ticker, json_option, progress_text, show
from mads.wire.asking import Answer, LogLine, Question, Speechless
from mads.wire.call import Progress
from mads.wire.tools import ToolInfo


@click.command()
@click.argument("tool", shell_complete=tool_names)
@click.argument("arguments", nargs=-1, metavar="[NAME=VALUE]...", shell_complete=arguments_of)
@click.option("--notes", metavar="TEXT", help="Say why, for whoever reads the record; nothing acts on it.")
@click.option("--worth", metavar="USD", type=float, help="Say what the answer is worth; no model is asked for more.")
@json_option
def call(tool: str, arguments: tuple[str, ...], *, notes: str | None, worth: float | None, as_json: bool) -> None:
    """Call TOOL, for example dewey.search, and print what it returns.

    A VALUE is read as the tool's schema asks: a text as it is, anything else as JSON. NAME=@FILE reads a file, NAME=-
    standard input, NAME=@@TEXT is a text that starts with @. A single JSON object, @FILE or - gives all arguments.
    """
    asyncio.run(_call(tool, arguments, notes=notes, worth=worth, as_json=as_json))


async def _call(name: str, words: tuple[str, ...], *, notes: str | None, worth: float | None, as_json: bool) -> None:
    async with connected() as remote:
        tool = remote.find(name)
        arguments = Parameters(short(tool), tool.input_schema).parse(words)
        show(await watched(remote, tool, arguments, notes=notes, worth=worth, as_json=as_json), as_json=as_json)


async def watched(
    remote: Remote,
    tool: ToolInfo,
    arguments: dict[str, Any],
    *,
    as_json: bool,
    conversation: str | None = None,
    notes: str | None = None,
    patience: float | None = None,
    worth: float | None = None,
) -> Any:
    """Call `tool` and show its progress; print the items of a stream as they come, or return them all `as_json`."""
    sink = _Screen(as_json=as_json)
    try:
        result = await remote.call(
            tool.name, arguments, sink=sink, conversation=conversation, notes=notes, patience=patience, worth=worth
        )
    finally:
        sink.ticker.clear()
    return sink.items if tool.streams and as_json else result


class _Screen(Speechless):
    """The sink of a call that a person, or a script, waits for."""

    def __init__(self, *, as_json: bool) -> None:
        self.ticker = Ticker()
        self.items: list[Any] = []
        self._as_json = as_json

    async def item(self, body: Any) -> None:
        """Print an item, or keep it for the one JSON document."""
        if self._as_json:
            self.items.append(body)
        else:
            self.ticker.clear()
            show(body)

    def log(self, line: LogLine) -> None:
        """Show a line of a log."""
        self.ticker.clear()
        told = line.data if isinstance(line.data, str) else msgspec.json.encode(line.data).decode()
        click.echo(f"{line.level}: {told}".translate(VISIBLE), err=True)

    async def ask(self, question: Question) -> Answer:
        """Have the person at the terminal fill in a form; refuse where there is none, or it is another question."""
        if self._as_json or question.method != "elicitation/create" or not sys.stdin.isatty():
            return await super().ask(question)
        self.ticker.clear()
        return filled(question.params)  # nothing else is to be done here meanwhile, and Ctrl-C is the person's

    def progress(self, progress: Progress) -> None:
        """Show how far the work has come."""
        self.ticker.tell(progress_text(progress))
