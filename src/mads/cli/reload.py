"""`mads reload`: one MAD with its code as it now stands on disk."""

from __future__ import annotations

from collections.abc import Iterable

import click

from mads.cli.remote import asked
from mads.cli.terminal import json_option, show
from mads.wire import codec
from mads.wire.status import Reloaded


@click.command()
@click.argument("name")
@json_option
def reload(name: str, *, as_json: bool) -> None:
    """Run the MAD NAME with its code as it now stands on disk, without losing a call.

    Where the new code does not load, the old one goes on, and this says why.
    """
    found = asked("reload", Reloaded, mad=name)
    if as_json:
        show({"mad": name, **codec.plain(found)}, as_json=True)
        return
    show(f"{name} runs its code as it stands on disk")
    if found.callers:
        show(f"What it offers has changed, and its callers know it as it was; write: {_again(found.callers)}")
    for event, mads in found.events.items():
        heard = f", and who hears it; write: {_again(mads)}" if mads else ""
        show(f"The event {event} has changed; reload who emits it{heard}")


def _again(mads: Iterable[str]) -> str:
    return "; ".join(f"mads reload {mad}" for mad in mads)
