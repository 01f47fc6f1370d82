"""`mads contract`: write down what the code offers, and see what has become of what was written down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import msgspec

from mads.author.contract import Change
from mads.cli.group import Group
from mads.cli.stdout import kept_apart
from mads.cli.terminal import json_option, show, table
from mads.host.config import find_root
from mads.project.contract import FILE
from mads.project.contract import diff as diff_project
from mads.project.contract import lock as lock_project

HEAD = ("VERDICT", "WHAT", "WHY")


@click.group(cls=Group)
def contract() -> None:
    """See to what this project has promised to those who call and hear its MADs."""


@contract.command()
@json_option
def lock(*, as_json: bool) -> None:
    """Write contract.json: every tool and event with its schema. Commit it: `mads check` holds the code to it."""
    root = find_root()
    with kept_apart():
        now, accepted = lock_project(root)
    tools = sum(len(mad.tools) for mad in now.mads.values())
    counts = {"mads": len(now.mads), "tools": tools, "events": len(now.events)}
    if as_json:
        show({"file": str(root / FILE), **counts, "accepted": msgspec.to_builtins(accepted)}, as_json=True)
    else:
        _print(accepted)
        click.echo(f"{FILE} holds {counts['mads']} MADs, {tools} tools and {counts['events']} events; commit it")


@contract.command()
@click.argument("revision", required=False, metavar="[REV]")
@json_option
def diff(revision: str | None, *, as_json: bool) -> int:
    """Compare the code with contract.json, or with what that was at REV; the exit code is 1 where something breaks."""
    with kept_apart():
        found = diff_project(find_root(), revision)
    breaking = any(change.verdict == "breaking" for change in found)
    if as_json:
        told: dict[str, Any] = {"against": revision or FILE, "breaking": breaking}
        show({**told, "changes": msgspec.to_builtins(found)}, as_json=True)
    elif found:
        _print(found)
    else:
        click.echo(f"nothing has changed since {revision or FILE}")
    return int(breaking)


def _print(found: Sequence[Change]) -> None:
    if found:
        table(HEAD, [(change.verdict, change.what, change.why) for change in found])
