"""`mads approve`: what MCP servers offer in words that nobody has looked at yet."""

from __future__ import annotations

import click

from mads.cli.remote import asked
from mads.cli.terminal import json_option, show
from mads.wire import codec
from mads.wire.tools import Withheld


@click.command()
@click.argument("name", required=False, default="")
@click.option("--seen", default="", metavar="DIGEST", help="The digest that was shown: nothing else is approved.")
@json_option
def approve(name: str, seen: str, *, as_json: bool) -> None:
    """Approve what is withheld of the MAD NAME, or under one name of it, as it is now; without NAME, show what is.

    An MCP server may change what it says of its tools at any time, and a model obeys it. What has changed since it was
    approved, or was suspicious at first sight, is neither listed nor called until you approve it here.
    """
    asking = {"name": name, "seen": seen} if name else {}
    found = asked("approve" if name else "withheld", list[Withheld], **asking)
    if as_json:
        show(codec.plain(found), as_json=True)
        return
    for each in found:
        click.echo(f"{each.kind} {each.name}, digest {each.digest[:12]}: {'; '.join(each.why)}")
        click.echo(f"{each.diff}\n")
    if name:
        click.echo(f"Approved as it stands above: {', '.join(each.name for each in found)}", err=True)
    elif found:
        click.echo("To approve one as it stands here: mads approve NAME --seen DIGEST", err=True)
    else:
        click.echo("Nothing is withheld.", err=True)
