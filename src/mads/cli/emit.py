"""`mads emit`: an event by hand, typed by its own schema."""

from __future__ import annotations

import asyncio

import click

from mads.cli.arguments import Parameters
from mads.cli.remote import Remote, connected
from mads.cli.terminal import json_option, show
from mads.wire.errors import UsageError
from mads.wire.status import EventInfo


@click.command()
@click.argument("event")
@click.argument("fields", nargs=-1, metavar="[NAME=VALUE]...")
@json_option
def emit(event: str, fields: tuple[str, ...], *, as_json: bool) -> None:
    """Publish EVENT, for example scribe.MeetingEnded, and print how many MADs hear it.

    A VALUE is read as by `mads call`.
    """
    asyncio.run(_emit(event, fields, as_json=as_json))


async def _emit(name: str, words: tuple[str, ...], *, as_json: bool) -> None:
    async with connected() as remote:
        event = await _find(remote, name)
        body = Parameters(event.name, event.schema).parse(words)
        heard = await remote.steward("emit", int, event=event.name, body=body)
    show(heard if as_json else f"{event.name} is heard by {', '.join(event.heard_by)}", as_json=as_json)


async def _find(remote: Remote, name: str) -> EventInfo:
    """Return the one event whose wire name ends in `name`, with or without its version; raise `UsageError` else."""
    known = await remote.steward("events", list[EventInfo])
    fitting = [event for event in known if _names(event.name, name)]
    if len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(event.name for event in fitting or known) or "nothing"
    raise UsageError(f"{name!r} may be {listed}" if fitting else f"nobody hears {name!r}; what is heard: {listed}")


def _names(wire_name: str, name: str) -> bool:
    return any(f".{full}".endswith(f".{name}") for full in (wire_name, wire_name.rpartition(".")[0]))
