"""`mads dead`: commands that were given up, to look at, to try again, to forget."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import click

from mads.cli.remote import connected
from mads.cli.terminal import json_option, show, table
from mads.wire import codec
from mads.wire.status import DeadLetter

T = TypeVar("T")

HEAD = ("ID", "TOOL", "SENDER", "KEY", "SENT", "ATTEMPTS", "WHY")


@click.group()
def dead() -> None:
    """See to commands that were given up."""


@dead.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """Show the commands that were given up, oldest first, and why."""
    seen = _asked("dead_list", list[DeadLetter])
    if as_json:
        show(codec.plain(seen), as_json=True)
    else:
        table(HEAD, [(it.id, it.tool, it.sender, it.key or "", it.sent, it.attempts, it.why) for it in seen])


@dead.command("show")
@click.argument("letter", type=int)
@json_option
def show_(letter: int, *, as_json: bool) -> None:
    """Show one of them with what was sent."""
    show(codec.plain(_asked("dead_show", DeadLetter, letter=letter)), as_json=as_json)


@dead.command()
@click.argument("letter", type=int)
@json_option
def retry(letter: int, *, as_json: bool) -> None:
    """Deliver one of them again, as if it had just been sent."""
    _asked("dead_retry", type(None), letter=letter)
    show(letter if as_json else f"command {letter} is on its way again", as_json=as_json)


@dead.command()
@click.argument("letter", type=int)
@json_option
def drop(letter: int, *, as_json: bool) -> None:
    """Forget one of them."""
    _asked("dead_drop", type(None), letter=letter)
    show(letter if as_json else f"command {letter} is forgotten", as_json=as_json)


def _asked(tool: str, type_: type[T], **arguments: Any) -> T:
    async def ask() -> T:
        async with connected() as remote:
            return await remote.steward(tool, type_, **arguments)

    return asyncio.run(ask())
