"""`mads emit`: an event by hand, typed by its own schema."""

from __future__ import annotations

import asyncio
import re

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
        event, meant = await _find(remote, name)
        # what a critical event may not be is for the system to refuse, and to keep
        body = Parameters(event.name, event.schema).parse(words, fitting=not event.critical)
        heard = await remote.steward("emit", int, event=meant, body=body)
    who = ", ".join(event.heard_by) or "nobody"
    show(heard if as_json else f"{event.name} is heard by {who}", as_json=as_json)


async def _find(remote: Remote, name: str) -> tuple[EventInfo, str]:
    """Return the one event whose wire name ends in `name`, with or without its version, and its name.

    A critical one may be meant in a version that is not its own, and is called that. Raises `UsageError` else.
    """
    known = await remote.steward("events", list[EventInfo])
    fitting = [event for event in known if _names(event.name, name)]
    if len(fitting) == 1:
        return fitting[0], fitting[0].name
    base = re.sub(r"\.v\d+$", "", name)
    others = [event for event in known if event.critical and _names(event.name, base)]
    if len(others) == 1 and not fitting:
        return others[0], name
    listed = ", ".join(event.name for event in fitting or known) or "nothing"
    raise UsageError(f"{name!r} may be {listed}" if fitting else f"nobody hears {name!r}; what is heard: {listed}")


def _names(wire_name: str, name: str) -> bool:
    return any(f".{full}".endswith(f".{name}") for full in (wire_name, wire_name.rpartition(".")[0]))
