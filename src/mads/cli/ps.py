"""`mads ps`: where each MAD runs and how it fares."""

from __future__ import annotations

import asyncio

import click

from mads.cli.remote import connected
from mads.cli.terminal import json_option, show, table
from mads.wire import codec
from mads.wire.status import Status

HEAD = (
    *("MAD", "RUN", "PID", "STATE", "HEALTH", "UP s", "RSS MB", "CALLS", "FAILED", "WAITING", "OLDEST s", "REFUSED"),
    *("COMMANDS", "DEAD", "DROPPED", "RESTARTS", "BLOCKED", "WHY"),
)


@click.command()
@json_option
def ps(*, as_json: bool) -> None:
    """Show every MAD: where it runs, in which process, how much it did and how it fares."""
    asyncio.run(_ps(as_json=as_json))


async def _ps(*, as_json: bool) -> None:
    async with connected() as remote:
        seen = await remote.steward("ps", list[Status])
    if as_json:
        show(codec.plain(seen), as_json=True)
    else:
        table(HEAD, [_row(status) for status in seen])


def _row(seen: Status) -> tuple[str | int | float, ...]:
    calls, failed = sum(tool.calls for tool in seen.tools), sum(tool.failed for tool in seen.tools)
    return (
        *(seen.mad, seen.run, seen.pid, seen.state, seen.health, seen.uptime_s, seen.rss_mb, calls, failed),
        *(seen.waiting, seen.oldest_s or "-", sum(seen.refused.values())),
        *(seen.commands, seen.dead, seen.dropped, seen.restarts, seen.blocked),
        "; ".join(
            filter(None, (seen.why, seen.waits, f"{seen.parked} commands give way to others" if seen.parked else ""))
        ),
    )
