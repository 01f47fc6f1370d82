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
    "SAVED",
    "ESCALATED",
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
    """Show what was spent, those first who spend most; what stands reserved is beside it.

    Saved is by how much the dearest model of the policy would have cost more for the same tokens, escalated how many
    answers came from a model that was not the first of it.
    """
    since = 0.0 if last is None else time.time() - last
    seen = asked("cost", list[Sum], by=by, since=since)
    if as_json:
        show(codec.plain(seen), as_json=True)
    else:
        table(HEAD, [_row(each) for each in seen])


def _row(it: Sum) -> tuple[str | int, ...]:
    usage = it.spent.usage
    tokens = (usage.input, usage.cached, usage.written, usage.output)
    spent, saved, disputed, reserved = (
        said(each, "USD")
        for each in (it.spent.micro_usd, it.spent.saved_usd, it.disputed.micro_usd, it.reserved.micro_usd)
    )
    told = (spent, saved, it.spent.escalated, disputed, reserved, it.spent.calls)
    return it.name or "all", it.tenant, *told, *tokens, f"{it.spent.ms / 1000:.3f}"
