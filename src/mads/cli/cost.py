"""`mads cost`: what was spent, by whom, for whom, or on what."""

from __future__ import annotations

import time
from typing import get_args

import click

from mads.cli.remote import asked
from mads.cli.span import Span
from mads.cli.terminal import json_option, show, table
from mads.guard.budget.cap import said
from mads.wire import codec
from mads.wire.ledger import By, Sum

HEAD = (
    "WHO OR WHAT",
    "TENANT",
    "SPENT",
    "DISPUTED",
    "RESERVED",
    "CALLS",
    "INPUT",
    "CACHED",
    "WRITTEN",
    "OUTPUT",
    "SECONDS",
)


@click.command()
@click.option("--by", type=click.Choice(get_args(By)), default="model", show_default=True, help="What it is summed by.")
@click.option("--last", type=Span(), help="Only what was spent in this time, as in 24h or 7d.")
@json_option
def cost(*, by: By, last: float | None, as_json: bool) -> None:
    """Show what was spent, those first who spend most; what stands reserved is beside it."""
    since = 0.0 if last is None else time.time() - last
    seen = asked("cost", list[Sum], by=by, since=since)
    if as_json:
        show(codec.plain(seen), as_json=True)
    else:
        table(HEAD, [_row(each) for each in seen])


def _row(it: Sum) -> tuple[str | int, ...]:
    usage = it.spent.usage
    tokens = (usage.input, usage.cached, usage.written, usage.output)
    money = (said(each.micro_usd, "USD") for each in (it.spent, it.disputed, it.reserved))
    return it.name or "all", it.tenant, *money, it.spent.calls, *tokens, f"{it.spent.ms / 1000:.3f}"
