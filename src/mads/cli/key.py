"""`mads key`: the keys by which programs sign in, to make, to look at, to replace, to revoke."""

from __future__ import annotations

from typing import Any

import click

from mads.author.entry import NewKey
from mads.cli.group import Group
from mads.cli.remote import asked
from mads.cli.span import Span
from mads.cli.terminal import json_option, listed, show
from mads.wire import codec
from mads.wire.status import KeyInfo

HEAD = ("ID", "PRINCIPAL", "TENANT", "SCOPES", "ROLES", "MADE", "EXPIRES", "STATE")


@click.group(cls=Group)
def key() -> None:
    """Make and revoke the keys by which programs sign in at the gateway."""


@key.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="A tool that it is for: mads.scribe.*, mads.>")
@click.option("--role", "roles", multiple=True, help="A role that it gives.")
@click.option("--tenant", default="default", show_default=True, help="Whose data it is for.")
@click.option("--expires", "lasts", type=Span(), default="90d", show_default=True, help="For how long it is good.")
@click.option("--for-ever", is_flag=True, help="It is good until it is revoked.")
@json_option
def new(
    name: str,
    *,
    scopes: tuple[str, ...],
    roles: tuple[str, ...],
    tenant: str,
    lasts: float,
    for_ever: bool,
    as_json: bool,
) -> None:
    """Make a key for the principal NAME and show it, this once.

    A scope with :read_only behind it is for those of its tools that change nothing.
    """
    made = asked(
        "key_new",
        NewKey,
        name=name,
        scopes=list(scopes),
        roles=list(roles),
        tenant=tenant,
        lasts=None if for_ever else lasts,
    )
    _show(made, as_json=as_json)


@key.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """Show every key, and whether it is good."""
    seen = asked("key_list", list[KeyInfo])
    listed(HEAD, seen, _row, what="key", as_json=as_json)


@key.command()
@click.argument("key", type=int)
@click.option("--grace", type=Span(), default="1d", show_default=True, help="For how long the old one is good as well.")
@json_option
def rotate(key: int, *, grace: float, as_json: bool) -> None:
    """Make a key like KEY and show it, this once; the old one is good for a while longer."""
    _show(asked("key_rotate", NewKey, key=key, grace=grace), as_json=as_json)


@key.command()
@click.argument("key", type=int)
@json_option
def revoke(key: int, *, as_json: bool) -> None:
    """Make KEY worth nothing, at once; what is being answered to it ends."""
    revoked = asked("key_revoke", KeyInfo, key=key)
    show(codec.plain(revoked) if as_json else f"key {key} of {revoked.principal} is revoked", as_json=as_json)


def _show(made: NewKey, *, as_json: bool) -> None:
    if as_json:
        show(codec.plain(made), as_json=True)
        return
    info = made.info
    ends = f"until {info.expires}" if info.expires else "until it is revoked"
    show(made.written)
    click.echo(f"Key {info.id} of {info.principal}, good {ends}. It is shown this once; keep it as a secret.", err=True)


def _row(it: KeyInfo) -> tuple[Any, ...]:
    scopes, roles = " ".join(it.scopes), " ".join(it.roles)
    return (it.id, it.principal, it.tenant, scopes, roles, it.made, it.expires or "never", it.state)
