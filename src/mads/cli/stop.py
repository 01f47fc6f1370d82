"""`mads stop`: the switches, and what is stopped."""

from __future__ import annotations

from typing import get_args

import click

from mads.cli.remote import asked
from mads.cli.terminal import json_option, show, table
from mads.wire import codec
from mads.wire.status import Stop, Stoppable

HEAD = ("STOPPED", "SINCE", "BY", "WHY")
WHAT = click.Choice(get_args(Stoppable))


@click.command()
@click.argument("what", type=WHAT, required=False)
@click.option("--why", default="", metavar="WORDS", help="The reason, which everybody is told who is refused.")
@json_option
def stop(what: Stoppable | None, why: str, *, as_json: bool) -> None:
    """Stop all spending at once and until `mads resume spend`, over restarts too; without a word, show what is stopped.

    No request leaves for a provider any more that costs anything, or counts as a call. What is on its way comes back.
    """
    if what is None:
        seen = asked("stopped", list[Stop])
        if as_json:
            show(codec.plain(seen), as_json=True)
        elif seen:
            table(HEAD, [(it.what, it.at, it.by, it.why) for it in seen])
        else:
            click.echo("Nothing is stopped.", err=True)
        return
    if not why:
        raise click.UsageError(f"write why, as in: mads stop {what} --why 'the bill is wrong'")
    found = asked("stop", Stop, what=what, why=why)
    show(codec.plain(found) if as_json else f"{what} is stopped; it goes on with: mads resume {what}", as_json=as_json)
