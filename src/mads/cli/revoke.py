"""`mads revoke`: what was given to somebody is taken back."""

from __future__ import annotations

import click

from mads.cli.grant import usual
from mads.cli.remote import asked
from mads.cli.role import told
from mads.cli.terminal import json_option
from mads.wire.status import Rights


@click.command()
@click.argument("whom")
@click.argument("what")
@click.option("--tenant", help="Whose principal it is; * is everybody's.  [default: default; * for roles and MADs]")
@json_option
def revoke(whom: str, what: str, *, tenant: str | None, as_json: bool) -> None:
    """Take WHAT back from WHOM, whether it was given or denied, and whatever its condition; at once."""
    rights = asked("revoke", Rights, whom=whom, what=what, tenant=usual(whom, tenant))
    told(rights, f"{what} is no longer granted to {whom}, nor denied", as_json=as_json)
