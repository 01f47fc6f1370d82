"""`mads check`: everything that would fail at start, all at once, without starting anything."""

from __future__ import annotations

import asyncio

import click

from mads.cli.stdout import kept_apart
from mads.cli.terminal import json_option, show
from mads.host.config import find_root
from mads.project.check import check as check_project


@click.command()
@json_option
def check(*, as_json: bool) -> None:
    """Find all that would keep the nearest mads.toml from starting, or breaks its contract; nothing is started."""
    with kept_apart():
        checked = asyncio.run(check_project(find_root()))
    for warning in checked.warnings:
        click.echo(f"warning: {warning}", err=True)
    said = f"{len(checked.mads)} MADs are fine: {', '.join(checked.mads)}"
    show(checked._asdict() if as_json else said, as_json=as_json)
