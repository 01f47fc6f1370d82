"""`mads resume`: let go on what `mads stop` has stopped."""

from __future__ import annotations

import click

from mads.cli.completion import stoppable_names
from mads.cli.remote import asked
from mads.cli.terminal import json_option, show


@click.command()
@click.argument("what", metavar="spend|MAD|MAD.TOOL", shell_complete=stoppable_names)
@json_option
def resume(what: str, *, as_json: bool) -> None:
    """Let go on what `mads stop` has stopped."""
    what = what.removeprefix("mads.")
    asked("resume", type(None), what=what)
    show({"resumed": what} if as_json else f"{what} goes on", as_json=as_json)
