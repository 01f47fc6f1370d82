"""`mads restart`: a MAD anew, whatever has become of it."""

from __future__ import annotations

import click

from mads.cli.remote import asked
from mads.cli.terminal import json_option, show


@click.command()
@click.argument("name")
@json_option
def restart(name: str, *, as_json: bool) -> None:
    """Start the MAD NAME anew; where it runs, a new one takes over and no call is lost.

    This also releases one from quarantine, and forgets how often it was restarted.
    """
    asked("restart", type(None), mad=name)
    show(name if as_json else f"{name} is running, started anew", as_json=as_json)
