"""`mads budget`: what may be spent, what is of it, what stands reserved, and the settling of it by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from mads.cli.dollars import Dollars
from mads.cli.group import Group
from mads.cli.remote import asked
from mads.cli.terminal import json_option, show, table
from mads.guard.budget.cap import said
from mads.wire import codec
from mads.wire.ledger import Amount, Bill, CapUse, Reconciled, Reservation
from mads.wire.model import Usage

CAPS = ("CAP", "WHO", "TENANT", "SPENT", "DISPUTED", "RESERVED", "LEFT", "UNTIL", "AT THIS PACE")
OPEN = ("ID", "SINCE", "BY", "FOR", "TENANT", "CONVERSATION", "WHAT", "USD", "TOKENS", "STANDS")

FOREVER = 4e9
DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
TOKENS = click.IntRange(0, 10**15)


@click.group(cls=Group, invoke_without_command=True)
@json_option
@click.pass_context
def budget(context: click.Context, *, as_json: bool) -> None:
    """Show every cap of mads.toml, and what is spent and reserved of it."""
    if context.invoked_subcommand is not None:
        return
    seen = asked("budget", list[CapUse])
    if as_json:
        show(codec.plain(seen), as_json=True)
    elif seen:
        table(CAPS, [_row(use) for use in seen])
    else:
        click.echo('There is no cap; write [budget] in mads.toml, and below it system = "20 USD/day".', err=True)


@budget.command("open")
@click.option("--after", type=int, default=0, help="Only those after this id.")
@json_option
def open_(*, after: int, as_json: bool) -> None:
    """Show what stands reserved, and what is spent but disputed, oldest first: it counts until it is settled."""
    seen = asked("reservations", list[Reservation], after=after)
    if as_json:
        show(codec.plain(seen), as_json=True)
    else:
        table(OPEN, [_open(it) for it in seen])


@budget.command()
@click.argument("reservation", type=int)
@click.option("--usd", type=Dollars(), help="What the provider charged.")
@click.option("--input", "in_", type=TOKENS, default=0, help="How many tokens went in.")
@click.option("--output", type=TOKENS, default=0, help="How many tokens came out.")
@click.option("--nothing", is_flag=True, help="It never left, or was not charged.")
@json_option
def settle(reservation: int, *, usd: int | None, nothing: bool, as_json: bool, **tokens: Any) -> None:
    """Settle one line that nobody settled, or that is disputed: with --usd, from the provider's bill, or --nothing."""
    if (usd is None) is not nothing:
        raise click.UsageError("write --usd with what the provider charged, or --nothing")
    spent = None if usd is None else Amount(usd, Usage(tokens["in_"], output=tokens["output"]))
    asked("settle", type(None), reservation=reservation, spent=codec.plain(spent))
    show(f"reservation {reservation} is settled with {said(spent.micro_usd if spent else 0, 'USD')}", as_json=as_json)


@budget.command()
@click.option("--usd", type=Dollars(), required=True, help="What the provider charged.")
@click.option("--model", default="", help="What it charged for; all models, where this is left out.")
@click.option("--since", type=DAY, help="The first day of the bill (UTC), as in 2026-11-30.")
@click.option("--until", type=DAY, help="The first day after it.")
@json_option
def reconcile(*, usd: int, model: str, since: datetime | None, until: datetime | None, as_json: bool) -> None:
    """Settle all lines that are open at once, from the provider's bill: the book then comes to the same."""
    if since and until and since >= until:
        raise click.UsageError("--until is the first day after the bill; write one that is later than --since")
    begins, ends = (each and each.replace(tzinfo=UTC).timestamp() for each in (since, until))
    bill = Bill(usd, model, begins or 0.0, ends or FOREVER)
    came = asked("reconcile", Reconciled, bill=codec.plain(bill))
    if as_json:
        show(codec.plain(came), as_json=True)
        return
    settled, counted, ledger = (said(each, "USD") for each in (came.settled, came.counted, came.ledger))
    show(f"{came.lines} open lines are settled with {settled}, where {counted} were counted", as_json=False)
    show(f"the book has {ledger}, and {came.running} requests are still running", as_json=False)


def _row(use: CapUse) -> tuple[str, ...]:
    left = max(0, use.most - use.spent - use.reserved)
    counted = (said(each, use.unit) for each in (use.spent, use.disputed, use.reserved, left))
    pace = "" if use.at_end is None else said(use.at_end, use.unit)
    return use.cap, use.name or "all", use.tenant, *counted, use.ends or "", pace


def _open(it: Reservation) -> tuple[Any, ...]:
    whose = (it.holder, it.payer, it.tenant, it.conversation, it.what)
    stands: str = it.stands
    if it.reported is not None:
        stands += f": the provider says {said(it.reported.micro_usd, 'USD')}, {it.reported.tokens} tokens"
    return it.id, it.at, *whose, said(it.most.micro_usd, "USD"), it.most.usage.total, stands
