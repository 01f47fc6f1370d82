"""`mads migrate`: what the project's database would take, tried on a copy; take it; undo it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import click

from mads.cli.group import Group
from mads.cli.outcome import FAILED
from mads.cli.terminal import json_option, show
from mads.host.config import find_root
from mads.project import migrate as project
from mads.project.migrate import Changed, Plan
from mads.store.migrations.rehearsal import Rehearsal
from mads.wire import codec


@click.group(cls=Group)
def migrate() -> None:
    """See to the steps of the project's database: each can be taken, undone and taken again."""


@migrate.command()
@json_option
def plan(*, as_json: bool) -> int:
    """Show the steps that the database lacks, each taken, undone and taken again on a copy, also while it is in use.

    The database itself stays as it is. The exit code is 1 where a step would be refused.
    """
    seen = project.plan(find_root())
    show(codec.plain(seen) if as_json else "\n".join(_planned(seen)), as_json=as_json)
    return FAILED if seen.refused else 0


@migrate.command()
@json_option
def up(*, as_json: bool) -> None:
    """Take the steps that the database lacks. `mads up` does so by itself."""
    _told(asyncio.run(project.up(find_root())), "took", as_json=as_json)


@migrate.command()
@click.argument("version", required=False)
@click.option("--yes", is_flag=True, help="Undo what loses something, too; a copy is made before.")
@json_option
def down(version: str | None, *, yes: bool, as_json: bool) -> None:
    """Undo the last step, or all after VERSION (0 for all); the system must not run."""
    _told(asyncio.run(project.undo(find_root(), version, is_agreed=yes)), "undid", as_json=as_json)


def _told(changed: Changed, did: str, *, as_json: bool) -> None:
    if as_json:
        show(codec.plain(changed), as_json=True)
        return
    for step in changed.steps:
        show(f"{did} {step}")
    if changed.backup:
        show(f"as it was before: {changed.backup}")
    show(f"{changed.database} is at {changed.at}" + ("" if changed.steps else " already: nothing was left to do"))


def _planned(seen: Plan) -> Iterator[str]:
    yield f"{seen.database} is at {seen.at}" + ("" if seen.pending else ", and lacks nothing")
    for step in seen.pending:
        yield f"{step.name}: up {step.up_ms:g} ms, down {step.down_ms:g} ms, up again {step.again_ms:g} ms"
        yield from (f"  {line}" for line in _found(step))


def _found(step: Rehearsal) -> Iterator[str]:
    yield from (f"destructive: {statement}" for statement in step.destructive)
    if step.lost:
        yield f"undone, it does not bring back {step.lost}"
    if step.unsteady:
        yield f"taken again, it differs: {step.unsteady}"
    if step.refused:
        yield "refused: mend it, or write into it `-- mads:lossy` and why"
    else:
        yield f"lossy: {step.lossy}; a copy is made before it is taken" if step.lossy else "undone exactly"
