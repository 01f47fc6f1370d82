"""`mads canary`: second versions of MADs, how they compare, and what is made of them."""

from __future__ import annotations

import click

from mads.cli.group import Group
from mads.cli.remote import asked
from mads.cli.terminal import json_option, show, table
from mads.wire import codec
from mads.wire.canary import CanaryInfo, Compared, Seen

HEAD = ("MAD", "USE", "STATE", "SHARE", "TOOLS", "WHY")
COMPARED = ("MEASURE", "FIRST", "SECOND", "MAY BE WORSE BY", "JUDGED")


@click.group(cls=Group)
def canary() -> None:
    """Show second versions of MADs, and decide about them."""


@canary.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List every canary: who has a second version, and what is made of it."""
    found = asked("canary_list", list[CanaryInfo])
    if as_json:
        show(codec.plain(found), as_json=True)
    elif found:
        table(HEAD, [_row(it) for it in found])
    else:
        click.echo('There is no canary; write [[canaries]] into mads.toml, with mad = "…" and use = "…".', err=True)


@canary.command("show")
@click.argument("mad")
@json_option
def show_(mad: str, *, as_json: bool) -> None:
    """Show the canary of MAD: how both versions fare, by the numbers."""
    _show(asked("canary_show", CanaryInfo, mad=mad), as_json=as_json)


@canary.command("start")
@click.argument("mad")
@click.option("--why", default="", metavar="WORDS", help="The reason, which stays beside it.")
@json_option
def start(mad: str, why: str, *, as_json: bool) -> None:
    """Begin anew: the second version of MAD answers its share, and what was seen before is forgotten."""
    _turn(mad, "start", why, as_json=as_json)


@canary.command("stop")
@click.argument("mad")
@click.option("--why", default="", metavar="WORDS", help="The reason, which stays beside it.")
@json_option
def stop(mad: str, why: str, *, as_json: bool) -> None:
    """Have the first version of MAD answer all, undecided."""
    _turn(mad, "stop", why, as_json=as_json)


@canary.command("promote")
@click.argument("mad")
@click.option("--why", default="", metavar="WORDS", help="The reason, which stays beside it.")
@json_option
def promote(mad: str, why: str, *, as_json: bool) -> None:
    """Have the second version of MAD answer all."""
    _turn(mad, "promote", why, as_json=as_json)


@canary.command("rollback")
@click.argument("mad")
@click.option("--why", default="", metavar="WORDS", help="The reason, which stays beside it.")
@json_option
def rollback(mad: str, why: str, *, as_json: bool) -> None:
    """Have the first version of MAD answer all: the second is not good."""
    _turn(mad, "rollback", why, as_json=as_json)


def _turn(mad: str, verb: str, why: str, *, as_json: bool) -> None:
    if not why.strip():
        raise click.UsageError(f"write why, as in: mads canary {verb} {mad} --why 'it is slow'")
    _show(asked("canary_turn", CanaryInfo, mad=mad, verb=verb, why=why), as_json=as_json)


def _show(it: CanaryInfo, *, as_json: bool) -> None:
    if as_json:
        show(codec.plain(it), as_json=True)
        return
    show(f"{it.mad}: {it.use} is {it.state} since {it.at}, by {it.by}: {it.why}")
    show(f"{it.share:.1%} of the conversations are {it.use}'s where {', '.join(it.tools)} is called")
    if it.state == "promoted":
        show(f"all are now; to keep it, write in mads.toml: {it.mad} = the class of {it.use}, without [[canaries]]")
    table(COMPARED, [_compared(each) for each in it.compared])


def _row(it: CanaryInfo) -> tuple[str, ...]:
    return it.mad, it.use, it.state, f"{it.share:.1%}", ", ".join(it.tools), it.why


def _compared(it: Compared) -> tuple[str, ...]:
    return it.what, _seen(it.old), _seen(it.new), f"{it.most:.1%}", it.judged


def _seen(seen: Seen | None) -> str:
    if seen is None:
        return ""
    return f"{seen.hits} of {seen.of} ({seen.low:.1%} to {seen.high:.1%})"
