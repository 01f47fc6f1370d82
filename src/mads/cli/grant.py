"""`mads grant`: a role, or some tools, for somebody."""

from __future__ import annotations

import click

from mads.cli.remote import asked
from mads.cli.role import told
from mads.cli.terminal import json_option
from mads.wire.status import Rights


@click.command()
@click.argument("whom")
@click.argument("what")
@click.option("--tenant", help="Whose principal it is; * is everybody's.  [default: default; * for roles and MADs]")
@click.option("--when", default="", help="In CEL, when it is allowed: arguments.url.startsWith('https://…')")
@click.option("--deny", is_flag=True, help="Deny it instead, whatever else allows it.")
@json_option
def grant(whom: str, what: str, *, tenant: str | None, when: str, deny: bool, as_json: bool) -> None:
    """Give WHAT to WHOM, at once and until it is revoked.

    WHOM is a principal, role:NAME or mad:NAME. WHAT is a role, or a pattern of tools: mads.scribe.*,
    mads.>:read_only; tools that destroy need one that says so, mads.scribe.forget:destructive.
    """
    rights = asked("grant", Rights, whom=whom, what=what, tenant=usual(whom, tenant), allow=not deny, when=when)
    verb = "is denied" if deny else "may call" if what.startswith("mads.") else "holds"
    told(rights, f"{whom} {verb} {what}", as_json=as_json)


def usual(whom: str, tenant: str | None) -> str:
    """Return the tenant that is meant: nobody's in particular where a role or a MAD is granted something."""
    return tenant or ("*" if whom.startswith(("role:", "mad:")) else "default")
