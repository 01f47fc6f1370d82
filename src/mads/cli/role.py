"""`mads role`: names for rules about what may be called, to make, to look at, to drop."""

from __future__ import annotations

from typing import Any

import click

from mads.cli.group import Group
from mads.cli.remote import asked
from mads.cli.terminal import json_option, show, table
from mads.wire import codec
from mads.wire.errors import UsageError
from mads.wire.status import GrantInfo, Rights

HEAD = ("ID", "WHOM", "TENANT", "MAY", "WHAT", "WHEN")


@click.group(cls=Group)
def role() -> None:
    """Make roles: what their holders may call.

    A principal holds a role by `mads grant`, by a key with --role, or by a group of its token.
    """


@role.command()
@click.argument("name")
@click.option("--allow", multiple=True, help="What it may call: mads.scribe.*, mads.>:read_only, mads.x.y:destructive")
@click.option("--deny", multiple=True, help="What it may not, whatever else allows it.")
@click.option("--when", default="", help="In CEL, when what is allowed is: arguments.url.startsWith('https://…')")
@click.option("--tenant", default="*", show_default=True, help="For whose principals; * is all.")
@click.option("--replace", "replaces", is_flag=True, help="Give a role that there is these rules instead of its own.")
@json_option
def new(
    name: str, *, allow: tuple[str, ...], deny: tuple[str, ...], when: str, tenant: str, replaces: bool, as_json: bool
) -> None:
    """Make the role NAME; more rules for it are granted to role:NAME."""
    rights = asked(
        "role_new",
        Rights,
        role=name,
        tenant=tenant,
        allow=list(allow),
        deny=list(deny),
        when=when,
        replaces=replaces,
    )
    told(rights, f"role {name}", as_json=as_json)


@role.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """Show every role, and how many rules it has and principals hold it by a grant."""
    rights = asked("policy_show", Rights)
    rows = [
        {
            "role": name,
            "rules": sum(grant.whom == f"role:{name}" for grant in rights.grants),
            "principals": [grant.whom for grant in rights.grants if grant.what == name],
        }
        for name in rights.roles
    ]
    if as_json:
        show(rows, as_json=True)
    else:
        table(("ROLE", "RULES", "PRINCIPALS"), [(row["role"], row["rules"], _joined(row)) for row in rows])


@role.command("show")
@click.argument("name")
@json_option
def show_(name: str, *, as_json: bool) -> None:
    """Show the rules of the role NAME, and who holds it by a grant."""
    rights = asked("policy_show", Rights)
    if name not in rights.roles:
        raise UsageError(f"there is no role {name!r}; there is {', '.join(rights.roles)}")
    grants = [grant for grant in rights.grants if name in (grant.what, grant.whom.removeprefix("role:"))]
    if as_json:
        show(codec.plain(grants), as_json=True)
    else:
        table(HEAD, [row(grant) for grant in grants])


@role.command()
@click.argument("name")
@json_option
def drop(name: str, *, as_json: bool) -> None:
    """Forget the role NAME: nobody holds it any more, whatever their keys and tokens say."""
    told(asked("role_drop", Rights, role=name), f"role {name} is gone", as_json=as_json)


def told(rights: Rights, what: str, *, as_json: bool) -> None:
    """Tell that rights were changed, and which revision they are now."""
    if as_json:
        show(codec.plain(rights), as_json=True)
    else:
        show(f"{what}; the rights are revision {rights.revision} now")


def row(grant: GrantInfo) -> tuple[Any, ...]:
    """Return a grant as the row of a table."""
    may = "" if not grant.what.startswith("mads.") else "allow" if grant.allow else "deny"
    return (grant.id or "built in", grant.whom, grant.tenant, may or "holds", grant.what, grant.when)


def _joined(row: dict[str, Any]) -> str:
    return " ".join(row["principals"])
