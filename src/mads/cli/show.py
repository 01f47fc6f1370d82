"""`mads show`: what a MAD is, needs, hears and offers; or the layers and the events of the whole system."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from mads.cli.arguments import Parameters
from mads.cli.completion import mad_names
from mads.cli.remote import Remote, connected, short
from mads.cli.terminal import json_option, table
from mads.cli.terminal import show as show_value
from mads.wire import codec
from mads.wire.errors import UsageError
from mads.wire.status import EventInfo, Shown


@click.command()
@click.argument("mad", metavar="[MAD[.TOOL]]", required=False, shell_complete=mad_names)
@click.option("--layers", is_flag=True, help="Show the layers round every handler, outermost first.")
@click.option("--events", is_flag=True, help="Show every event: its owner, who hears it, its fields.")
@json_option
def show(mad: str | None, *, layers: bool, events: bool, as_json: bool) -> None:
    """Show what MAD is, needs, hears and offers, or what its TOOL takes; without MAD, every tool of the system."""
    if sum((mad is not None, layers, events)) > 1:
        raise UsageError("write one of MAD, --layers and --events")
    asyncio.run(_show(mad, layers=layers, events=events, as_json=as_json))


async def _show(mad: str | None, *, layers: bool, events: bool, as_json: bool) -> None:
    async with connected() as remote:
        if layers:
            show_value(await remote.steward("layers", list[str]), as_json=as_json)
        elif events:
            _events(await remote.steward("events", list[EventInfo]), as_json=as_json)
        elif mad is not None and "." in mad:
            show_value(codec.plain(remote.find(mad)), as_json=as_json)
        elif mad is not None:
            _mad(remote, await remote.steward("show", Shown, mad=mad), as_json=as_json)
        elif as_json:
            show_value(codec.plain(remote.tools), as_json=True)
        else:
            table(("TOOL", "DOES"), [(short(tool), tool.description.partition("\n")[0]) for tool in remote.tools])


def _events(known: list[EventInfo], *, as_json: bool) -> None:
    if as_json:
        show_value(codec.plain(known), as_json=True)
    else:
        head = ("EVENT", "VERSION", "OWNER", "CRITICAL", "HEARD BY", "FIELDS", "DEPRECATED")
        table(head, [_event(event) for event in known])


def _event(it: EventInfo) -> tuple[Any, ...]:
    marks = (it.version, it.owner or "-", "critical" if it.critical else "-")
    return (it.name, *marks, ", ".join(it.heard_by) or "-", Parameters(it.name, it.schema).words(), it.deprecated)


def _mad(remote: Remote, shown: Shown, *, as_json: bool) -> None:
    whole: dict[str, Any] = codec.plain(shown)
    if not as_json:
        offered = [tool for tool in remote.tools if tool.mad == shown.mad]
        whole["offers"] = {
            f"{tool.tool} {Parameters(short(tool), tool.input_schema).words()}".rstrip(): tool.description
            for tool in offered
        }
    show_value(whole, as_json=as_json)
