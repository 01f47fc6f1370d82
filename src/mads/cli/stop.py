"""`mads stop`: the switches, and what is stopped."""

from __future__ import annotations

import click

from mads.cli.completion import stoppable_names
from mads.cli.remote import asked
from mads.cli.terminal import json_option, show, table
from mads.wire import codec
from mads.wire.status import Stop

HEAD = ("STOPPED", "SINCE", "BY", "WHY")


@click.command()
@click.argument("what", metavar="[spend|MAD|MAD.TOOL]", required=False, shell_complete=stoppable_names)
@click.option("--why", default="", metavar="WORDS", help="The reason, which everybody is told who is refused.")
@json_option
def stop(what: str | None, why: str, *, as_json: bool) -> None:
    """Stop a MAD, one of its tools, or all spending, at once and over restarts; without a word, show what is stopped.

    Whoever calls what is stopped is told so, by whom and why. What is being handled comes to its end. Once spending is
    stopped, no request leaves for a provider any more that costs anything, or counts as a call.
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
    what = what.removeprefix("mads.")
    if not why.strip():
        raise click.UsageError(f"write why, as in: mads stop {what} --why 'the bill is wrong'")
    found = asked("stop", Stop, what=what, why=why)
    show(codec.plain(found) if as_json else f"{what} is stopped; it goes on with: mads resume {what}", as_json=as_json)
    if found.why != why:
        click.echo(f"It was stopped before, by {found.by} at {found.at}, and that reason stays: {found.why}", err=True)
