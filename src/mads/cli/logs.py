"""`mads logs`: what every process of a system logged, in one order, whether the system runs or not."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import Any

import click
import msgspec

from mads.cli.terminal import VISIBLE
from mads.host.config import find_root, read_config
from mads.host.paths import data_folder
from mads.observe.line import LEVELS, Line, human
from mads.observe.logread import Log, Wanted
from mads.wire.errors import UsageError


@click.command()
@click.option("-n", "--lines", type=click.IntRange(0), default=50, show_default=True, help="Show so many of the last.")
@click.option(
    "-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C; a system that ends may come back."
)
@click.option("--mad", default="", help="Only what this MAD, or its process, said.")
@click.option("--conversation", default="", help="Only what was said in this conversation.")
@click.option("--trace", default="", help="Only what was said under this trace id.")
@click.option("--request", default="", help="Only what was said while this call was handled.")
@click.option("--level", type=click.Choice(LEVELS), default=LEVELS[0], help="Only what is at least as grave.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line; an error is one too.")
def logs(*, lines: int, follow: bool, mad: str, as_json: bool, **wanted: Any) -> None:
    """Show what all processes of the system of the nearest mads.toml logged, oldest first.

    The ids in a line are those that other verbs take. What was logged stays when the system ends: at most the last two
    files of 16 MB.
    """
    with closing(Log(data_folder(find_root()), Wanted(mad, **wanted))) as log:
        last = log.last(lines)
        for line in last:
            _show(line, as_json=as_json)
        if follow:
            for line in log.follow():
                _show(line, as_json=as_json)
        elif not last and mad not in ("", *read_config(find_root()).mads):
            known = ", ".join(read_config(find_root()).mads)
            raise UsageError(f"there is no MAD {mad!r}, and none has logged anything; there is {known}")
        elif not last:
            click.echo("No line is there that fits.", err=True)


def _show(line: Line, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(line))
    else:
        for row in human(line):
            click.echo(row.translate(VISIBLE))
    sys.stdout.flush()
