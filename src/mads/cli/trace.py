"""`mads trace`: what was done on behalf of a request, as a tree; or the last requests, one a line."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import click

from mads.cli.remote import connected
from mads.cli.terminal import json_option, listed, show, table
from mads.wire import codec
from mads.wire.errors import UsageError
from mads.wire.record import Decision
from mads.wire.trace import Hop, TraceLine, Tree

HEAD = ("AT ms", "WAITED", "TOOK", "CALL", "OUTCOME", "BY", "COST", "LAYERS", "TAINT", "WHY")
LAST = ("AT", "TRACE", "CALL", "TOOK ms", "CALLS", "FAILED", "COST")


@click.command()
@click.argument("id_", metavar="[ID]", required=False)
@click.option("-n", "--lines", type=click.IntRange(1, 1000), default=20, show_default=True, help="List so many.")
@click.option("--failed", is_flag=True, help="List only those in which something failed.")
@click.option(
    "--all", "control", is_flag=True, help="List those of the control plane, such as this one, and idle timers, too."
)
@json_option
def trace(id_: str | None, *, lines: int, failed: bool, control: bool, as_json: bool) -> None:
    """Show who called what on behalf of a request, when, for how long, how it ended, who let it and what it cost.

    ID is that of a trace, of a request, or of a conversation. Without one the last traces are listed, latest first.
    """
    if id_ is not None and (failed or control):
        raise UsageError("--failed and --all go with the list: leave out the ID, or them")
    if id_ is None:
        asyncio.run(_last(lines, failed=failed, control=control, as_json=as_json))
    else:
        asyncio.run(_one(id_, as_json=as_json))


async def _one(id_: str, *, as_json: bool) -> None:
    async with connected() as remote:
        tree = await remote.steward("trace", Tree, id=id_)
    if as_json:
        show(codec.plain(tree), as_json=True)
        return
    for trace_id in dict.fromkeys(hop.trace for hop in tree.hops):
        hops = [hop for hop in tree.hops if hop.trace == trace_id]
        talk = f", conversation {hops[0].conversation}" if hops[0].conversation else ""
        click.echo(f"trace {trace_id}, for {hops[0].principal}{talk}, {hops[0].at}")
        table(HEAD, [_row(hop) for hop in hops])
    failed = f", {tree.failed} failed" if tree.failed else ""
    click.echo(f"{len(tree.hops)} calls{failed}, {_ms(tree.took_us)} ms, cost {_cost(tree.cost)}")
    if tree.left_out:
        click.echo(f"Not shown: {tree.left_out}", err=True)


async def _last(lines: int, *, failed: bool, control: bool, as_json: bool) -> None:
    async with connected() as remote:
        found = await remote.steward("traces", list[TraceLine], limit=lines, failed=failed, control=control)
    listed(LAST, found, _line, what="trace", as_json=as_json)


def _line(it: TraceLine) -> tuple[str | int, ...]:
    return (it.at, it.trace, it.call, _ms(it.took_us), it.calls, it.failed, _cost(it.cost))


def _row(hop: Hop) -> tuple[str, ...]:
    again = f" (attempt {hop.attempt})" if hop.attempt > 1 else ""
    kind = "" if hop.kind in ("call", "refused") else f" [{hop.kind}]"
    return (
        *(f"{_ms(time):>9}" for time in (hop.after_us, hop.waited_us, hop.took_us)),
        f"{'  ' * hop.depth}{hop.call}{kind}{again}",
        hop.outcome,
        f"{hop.mad}@{hop.version} {hop.place}".strip() if hop.version else hop.mad,
        _cost(hop.cost),
        _decided(hop.decisions),
        " ".join(hop.taint),
        hop.why.partition("\n")[0],
    )


def _decided(decisions: Iterable[Decision]) -> str:
    return "; ".join(f"{it.layer} {'allowed' if it.allowed else 'denied'} ({it.rule})" for it in decisions)


def _ms(microseconds: int) -> str:
    return f"{microseconds / 1000:.3f}"


def _cost(micro: int) -> str:
    return f"{micro / 1_000_000:.6f}".rstrip("0").rstrip(".")
