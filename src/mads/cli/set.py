"""`mads set`: settings change in `mads.toml`, and in the system that runs."""

from __future__ import annotations

import json
from typing import Any

import click

from mads.cli.remote import asked
from mads.cli.terminal import json_option, show, table
from mads.wire import codec
from mads.wire.settings import Setting

HEAD = ("SETTING", "WAS", "IS", "COUNTS")


@click.command()
@click.argument("changes", nargs=-1, metavar="[KEY=VALUE]...")
@json_option
def set(changes: tuple[str, ...], *, as_json: bool) -> None:  # noqa: A001  the verb
    """Change settings in mads.toml while the system runs, and take up what it says; without a word, only take it up.

    At once: how many calls a MAD handles (scribe.at_once=4) and lets wait (scribe.inbox), how much may be spent
    (budget.system='2 USD/day', scribe.budget) or asked for (limits.1.rate=10/min), and what is logged
    (log.level=debug). What else has changed counts from the next start. KEY= takes a setting out.
    """
    made = dict(_pair(each) for each in changes)
    found = asked("set_settings", list[Setting], changes=made)
    if as_json:
        show(codec.plain(found), as_json=True)
    elif found:
        counts = {True: "at once", False: "from the next mads up on"}
        table(HEAD, [(it.key, _said(it.was), _said(it.now), counts[it.counts]) for it in found])
    else:
        click.echo("mads.toml says what counts already.", err=True)


def _pair(written: str) -> tuple[str, str]:
    key, sign, value = written.partition("=")
    if not sign or not key.strip():
        raise click.UsageError(f"write KEY=VALUE, not {written!r}, as in: mads set scribe.at_once=4")
    return key.strip(), value.strip()


def _said(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
