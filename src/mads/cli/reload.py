"""`mads reload`: one MAD with its code as it now stands on disk."""

from __future__ import annotations

import click

from mads.cli.remote import asked
from mads.cli.terminal import json_option, show


@click.command()
@click.argument("name")
@json_option
def reload(name: str, *, as_json: bool) -> None:
    """Run the MAD NAME with its code as it now stands on disk, without losing a call.

    Where the new code does not load, the old one goes on, and this says why.
    """
    asked("reload", type(None), mad=name)
    show(name if as_json else f"{name} runs its code as it stands on disk", as_json=as_json)
