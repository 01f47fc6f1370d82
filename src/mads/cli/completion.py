"""What the shell offers behind `mads call` and its kin: asked of the running system, quickly, and silently in vain."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import click
from click.shell_completion import CompletionItem

from mads.cli.arguments import Parameters
from mads.cli.remote import connected, short
from mads.gateway import names
from mads.wire.errors import MadsError
from mads.wire.tools import ToolInfo

WITHIN = 1.0
"""The seconds that a person may have to wait at the tab key."""


def tool_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the tools whose short names start with `incomplete`."""
    del ctx, param
    return [
        CompletionItem(short(tool), help=tool.description.partition("\n")[0])
        for tool in _tools()
        if short(tool).startswith(incomplete)
    ]


def arguments_of(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the arguments of the tool that is being called."""
    del param
    return [
        CompletionItem(f"{name}=")
        for tool in _tools()
        if ctx.params["tool"] in names.accepted(tool)
        for name in Parameters(short(tool), tool.input_schema).names()
        if name.startswith(incomplete)
    ]


def mad_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the MADs whose names start with `incomplete`."""
    del ctx, param
    return [CompletionItem(mad) for mad in dict.fromkeys(tool.mad for tool in _tools()) if mad.startswith(incomplete)]


def stoppable_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return what can be stopped whose names start with `incomplete`."""
    found = [*mad_names(ctx, param, incomplete), *tool_names(ctx, param, incomplete)]
    return [*([CompletionItem("spend")] if "spend".startswith(incomplete) else []), *found]


def _tools() -> list[ToolInfo]:
    with suppress(MadsError, TimeoutError, OSError):
        return asyncio.run(_listed())
    return []


async def _listed() -> list[ToolInfo]:
    async with asyncio.timeout(WITHIN), connected() as remote:
        return list(remote.tools)
