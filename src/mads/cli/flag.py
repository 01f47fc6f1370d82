"""`mads flag`: feature flags, what they are for somebody, and changes of their file."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from mads.cli.group import Group
from mads.cli.remote import asked
from mads.cli.terminal import json_option, show, table
from mads.wire import codec
from mads.wire.flags import FlagFound, FlagInfo

HEAD = ("FLAG", "STATE", "DEFAULT", "RULE", "VARIANTS")


@click.group(cls=Group)
def flag() -> None:
    """Show, ask and change feature flags."""


@flag.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List every flag: whether it is on, what it is unless its rule says otherwise."""
    _listed(asked("flag_list", list[FlagInfo]), as_json=as_json)
    if trouble := asked("flag_trouble", str):
        click.echo(f"Attention: {trouble}", err=True)


@flag.command("show")
@click.argument("name", metavar="FLAG")
@click.option("--as", "principal", default="", metavar="PRINCIPAL", help="For whom.")
@click.option("--tenant", default="default", help="Of which tenant.")
@click.option("--conversation", default="", help="In which conversation.")
@click.option("--about", multiple=True, metavar="KEY=VALUE", help="What else is known, as the code would say it.")
@json_option
def show_(name: str, principal: str, tenant: str, conversation: str, about: tuple[str, ...], *, as_json: bool) -> None:
    """Show what FLAG is for somebody, and why."""
    known = dict(_pair(each) for each in about)
    found = asked(
        "flag_show", FlagFound, flag=name, principal=principal, tenant=tenant, conversation=conversation, about=known
    )
    if as_json:
        show(codec.plain(found), as_json=True)
        return
    variant = "what the code says" if found.variant is None else f"{found.variant}: {_said(found.value)}"
    show(f"{name} is {variant} ({found.reason}{found.why and f': {found.why}'})")


@flag.command("set")
@click.argument("name", metavar="FLAG")
@click.argument("default", metavar="VARIANT", required=False)
@click.option("--on/--off", "enabled", default=None, help="Have it count, or the code's own value.")
@json_option
def set_(name: str, default: str | None, *, enabled: bool | None, as_json: bool) -> None:
    """Have FLAG be VARIANT where its rule says nothing else; its file is changed, and counts within a second."""
    if default is None and enabled is None:
        raise click.UsageError(f"write a variant, or --on or --off, as in: mads flag set {name} --off")
    _listed(asked("flag_set", list[FlagInfo], flag=name, default=default, enabled=enabled), as_json=as_json)


def _listed(flags: list[FlagInfo], *, as_json: bool) -> None:
    if as_json:
        show(codec.plain(flags), as_json=True)
    elif flags:
        table(HEAD, [_row(it) for it in flags])
    else:
        click.echo('There is no flag; write flags = "flags.json" at the top of mads.toml.', err=True)


def _row(it: FlagInfo) -> tuple[str, ...]:
    variants = ", ".join(f"{name}: {_said(value)}" for name, value in it.variants.items())
    return it.flag, it.state, it.default or "the code's", "yes" if it.has_rule else "", variants


def _pair(text: str) -> tuple[str, Any]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise click.UsageError(f"--about {text!r} is no KEY=VALUE, such as plan=pro or age=17")
    try:
        return key, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return key, value


def _said(value: Any) -> str:
    return msgspec.json.encode(value).decode()
