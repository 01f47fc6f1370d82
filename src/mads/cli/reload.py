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
    callers = asked("reload", list[str], mad=name)
    if as_json:
        show({"mad": name, "callers": callers}, as_json=True)
        return
    show(f"{name} runs its code as it stands on disk")
    if callers:
        them = "; ".join(f"mads reload {caller}" for caller in callers)
        show(f"What it offers has changed, and its callers know it as it was; write: {them}")
