"""`mads chat`: prose to a MAD's `@prose` handler, in one conversation from the first line to the last."""

from __future__ import annotations

import asyncio
import difflib
import shlex
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any, cast

import click
import msgspec

from mads.cli.call import watched
from mads.cli.completion import mad_names
from mads.cli.outcome import FAILED, tell
from mads.cli.remote import LONG, Remote, connected, short
from mads.cli.terminal import VISIBLE, json_option, lines, show
from mads.host.config import NAME
from mads.wire.conversation import Exchange, conversation_id
from mads.wire.errors import CallError, NoModel, UsageError
from mads.wire.ids import trace_ids
from mads.wire.tools import ToolInfo


@click.command()
@click.argument("mad", required=False, shell_complete=mad_names)
@click.argument("text", required=False)
@click.option(
    "--conversation", default="", metavar="ID", help="The conversation that this is part of; a new one if not given."
)
@click.option(
    "--thread", default="", metavar="TURN", help="The thread in which to say it: the number of its first turn."
)
@json_option
def chat(mad: str | None, text: str | None, conversation: str, thread: str, *, as_json: bool) -> None:
    """Say TEXT to MAD and print its answer; without TEXT, go on line by line until the end of input.

    Without MAD it is said to everybody: those whom it mentions as @NAME hear it, and those whom they mention.
    With --json it prints one JSON document a turn.
    """
    if mad is not None and not NAME.fullmatch(mad):
        if text is not None:
            raise UsageError(f"{mad!r} is no MAD's name; write: mads chat {shlex.quote(f'{mad} {text}')}")
        mad, text = None, mad
    if thread and mad is not None:
        raise UsageError(f"what is said in a thread is said to everybody; leave out {mad}, and mention @{mad}")
    conversation = conversation_id(conversation) if conversation else trace_ids()()
    failed = False
    for line in _typed() if text is None else (text,):
        said = (
            _turn(mad, line, conversation, as_json=as_json)
            if mad
            else _said(line, conversation, thread, as_json=as_json)
        )
        try:
            asyncio.run(said)
        except CallError as error:  # the next line may fare better
            failed = True
            tell(error, as_json=as_json)
    if failed:
        sys.exit(FAILED)


async def _turn(mad: str, text: str, conversation: str, *, as_json: bool) -> None:
    async with connected() as remote:
        said = await watched(remote, _chat(remote, mad), {"text": text}, as_json=as_json, conversation=conversation)
    show(said if as_json else _readable(said), as_json=as_json)


async def _said(text: str, conversation: str, thread: str, *, as_json: bool) -> None:
    async with connected() as remote:
        say = remote.find("mads.steward.say")
        arguments = {"text": text, "thread": thread}
        said = await watched(remote, say, arguments, as_json=as_json, conversation=conversation, patience=LONG)
    if as_json:
        show(said, as_json=True)
        return
    exchange = msgspec.convert(said, Exchange)
    for answer in exchange.answers:
        show(
            f"{answer.by}: {answer.text}" if answer.outcome == "ok" else f"{answer.by}: {answer.outcome}: {answer.why}"
        )
    for note in exchange.notes:
        click.echo(f"({note.translate(VISIBLE)})", err=True)
    if not exchange.answers and not exchange.notes:
        click.echo(f"(nobody is mentioned; it stands in conversation {exchange.conversation})", err=True)


def _chat(remote: Remote, mad: str) -> ToolInfo:
    """Return the tool that answers prose; raise an error that says what there is where `mad` has none."""
    tools = [tool for tool in remote.tools if tool.mad == mad]
    mads = list(dict.fromkeys(tool.mad for tool in remote.tools))
    if not tools:
        near = difflib.get_close_matches(mad, mads, 1)
        raise UsageError(
            f"no MAD {mad!r} offers anything; "
            + (f"did you mean {near[0]}?" if near else f"there is {', '.join(mads)}")
        )
    for tool in tools:
        if tool.tool == "chat":
            return tool
    raise NoModel(
        f"{mad} cannot chat: it has no @prose handler, and no model is configured that could answer for it; "
        f"call {' or '.join(map(short, tools))}"
    )


def _readable(said: Any) -> Any:
    """Return an answer as a person reads it: its text, then what else it says, its citations above all."""
    if not isinstance(said, dict) or "text" not in said:
        return cast("Any", said)
    rest = dict(cast("dict[str, Any]", said))
    return "\n".join((str(rest.pop("text")), "", *lines(rest))).rstrip()


def _typed() -> Iterator[str]:
    """Iterate over what a person types, or another program writes, but for empty lines."""
    if not sys.stdin.isatty():
        yield from filter(str.strip, map(str.rstrip, sys.stdin))
        return
    with suppress(ImportError):  # not every Python has it; where it is, `input` remembers what was typed
        import_module("readline")
    while True:
        try:
            text = input("> ")
        except EOFError:
            click.echo()
            return
        if text.strip():
            yield text
