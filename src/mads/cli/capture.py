"""`mads capture`: how much is on record, and a dataset of it for learning."""

from __future__ import annotations

import asyncio

import click

from mads.cli.group import Group
from mads.cli.lines import Lines, opened, placed, streamed
from mads.cli.remote import connected
from mads.cli.terminal import json_option, show
from mads.wire import codec
from mads.wire.conversation import Stats


@click.group(cls=Group)
def capture() -> None:
    """See to the record of what happened."""


@capture.command()
@json_option
def stats(*, as_json: bool) -> None:
    """Show how much is on record, of what, and for how much of it is known how it came out."""

    async def ask() -> Stats:
        async with connected() as remote:
            return await remote.steward("capture_stats", Stats)

    show(codec.plain(asyncio.run(ask())), as_json=as_json)


@capture.command()
@click.option("--out", default="", metavar="FILE", help="Where the lines go; - is standard output.")
@click.option("--since", default="", metavar="WHEN", help='What began since: "2026-11-22", "7d".')
@json_option
def dataset(out: str, since: str, *, as_json: bool) -> None:
    """Make a dataset for learning: a process a line, with its steps, outcome, label and cost.

    Its SHA-256 is printed: the same record gives the same one.
    """

    async def make() -> Lines:
        async with connected() as remote:
            with opened(out) as file:
                return await streamed(remote, "capture_dataset", file, since=since, to=placed(out))

    made = asyncio.run(make())
    if out != "-":
        told = {"processes": made.count - 1, "sha256": made.sha256, "file": out}
        show({name: value for name, value in told.items() if value != ""}, as_json=as_json)
