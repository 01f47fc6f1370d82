"""`mads resume`: let go on what `mads stop` has stopped."""

from __future__ import annotations

import click

from mads.cli.remote import asked
from mads.cli.stop import WHAT
from mads.cli.terminal import json_option, show
from mads.wire.status import Stoppable


@click.command()
@click.argument("what", type=WHAT)
@json_option
def resume(what: Stoppable, *, as_json: bool) -> None:
    """Let go on what `mads stop` has stopped."""
    asked("resume", type(None), what=what)
    show(f"{what} goes on", as_json=as_json)
