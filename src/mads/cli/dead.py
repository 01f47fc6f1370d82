"""`mads dead`: commands that were given up, to look at, to try again, to forget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from mads.cli.group import Group
from mads.cli.remote import asked
from mads.cli.span import Span
from mads.cli.terminal import json_option, listed, show
from mads.wire import codec
from mads.wire.status import DeadLetter, DeadLetters

F = TypeVar("F", bound=Callable[..., Any])

HEAD = ("ID", "WHAT", "SENDER", "KEY", "SENT", "ATTEMPTS", "WHY")


def which(command: F) -> F:
    """Add the options that say which commands are meant."""
    for option in (
        click.option("--tool", default="", help="Only those to this tool (desk.read) or MAD (desk)."),
        click.option("--sender", default="", help="Only those that this MAD sent."),
        click.option("--why", default="", help="Only those whose reason holds these words."),
        click.option("--older-than", type=Span(), default="0s", help="Only those that died longer ago, as in 7d."),
    ):
        command = option(command)
    return command


@click.group(cls=Group)
def dead() -> None:
    """See to commands that were given up and critical events that were refused; each is kept until it is dropped."""


@dead.command("list")
@which
@json_option
def list_(*, as_json: bool, **those: Any) -> None:
    """Show what was given up or refused, oldest first, and why."""
    seen = asked("dead_list", DeadLetters, which=those)
    listed(HEAD, seen.letters, _row, what="dead letter", as_json=as_json)
    if seen.more:
        click.echo(f"and {seen.more} more; --tool, --sender, --why or --older-than show fewer", err=True)


@dead.command("show")
@click.argument("letter", type=int)
@json_option
def show_(letter: int, *, as_json: bool) -> None:
    """Show one of them with what was sent."""
    show(codec.plain(asked("dead_show", DeadLetter, letter=letter)), as_json=as_json)


@dead.command()
@click.argument("letter", type=int, required=False)
@click.option("--all", "every", is_flag=True, help="All of them, or those that the other options leave.")
@which
@json_option
def retry(letter: int | None, *, every: bool, as_json: bool, **those: Any) -> None:
    """Deliver one of them again, or --all, as if it had just been sent; an event only where it fits by now."""
    count = _done("dead_retry", letter, every=every, those=those)
    said = f"letter {letter} is on its way again" if count is None else f"{count} letters are on their way again"
    show((letter if count is None else count) if as_json else said, as_json=as_json)


@dead.command()
@click.argument("letter", type=int, required=False)
@click.option("--all", "every", is_flag=True, help="All of them, or those that the other options leave.")
@which
@json_option
def drop(letter: int | None, *, every: bool, as_json: bool, **those: Any) -> None:
    """Forget one of them, or --all."""
    count = _done("dead_drop", letter, every=every, those=those)
    said = f"letter {letter} is forgotten" if count is None else f"{count} letters are forgotten"
    show((letter if count is None else count) if as_json else said, as_json=as_json)


def _row(it: DeadLetter) -> tuple[Any, ...]:
    return (it.id, it.tool, it.sender, it.key or "", it.sent, it.attempts, it.why)


def _done(tool: str, letter: int | None, *, every: bool, those: dict[str, Any]) -> int | None:
    """Do it to one letter, or to all of those; return how many, None for one."""
    if (letter is None) is not every or (any(those.values()) and not every):
        verb = tool.removeprefix("dead_")
        raise click.UsageError(
            f"write `mads dead {verb} ID`, or `mads dead {verb} --all`, with --tool and so on for some"
        )
    if every:
        return asked(f"{tool}_all", int, which=those)
    asked(tool, type(None), letter=letter)
    return None
