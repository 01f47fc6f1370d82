"""`mads limits`: how much may be asked for, and what is used of it just now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import click

from mads.cli.remote import connected
from mads.cli.terminal import json_option, show, table
from mads.wire import codec
from mads.wire.status import LimitInfo

HEAD = ("RULE", "LIMIT", "WHO", "TENANT", "RUNNING", "LEFT NOW", "USED", "UNTIL")


@click.command()
@json_option
def limits(*, as_json: bool) -> None:
    """Show every limit of mads.toml, and for each who used of it how much of it is used."""
    asyncio.run(_limits(as_json=as_json))


async def _limits(*, as_json: bool) -> None:
    async with connected() as remote:
        seen = await remote.steward("limits", list[LimitInfo])
    if as_json:
        show(codec.plain(seen), as_json=True)
    elif seen:
        table(HEAD, [row for info in seen for row in _rows(info)])
    if not seen:
        click.echo("There is no limit; write [[limits]] in mads.toml.", err=True)


def _rows(info: LimitInfo) -> Iterator[tuple[str | int, ...]]:
    measures = {"rate": info.rate, "at_once": info.at_once, "size": info.size, "reply": info.reply, "quota": info.quota}
    limit = ", ".join(f"{name} {said}" for name, said in measures.items() if said is not None)
    if not info.uses:
        yield info.rule, limit, *[""] * 6
    for use in info.uses:
        used = ("" if said is None else said for said in (use.running, use.left, use.used, use.ends))
        yield info.rule, limit, use.subject or "all", use.tenant, *used
