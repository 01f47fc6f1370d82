"""`mads audit`: what was decided, and whether it still stands there as it was written."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from mads.cli.group import Group
from mads.cli.remote import asked
from mads.cli.terminal import json_option, listed, show
from mads.host.config import find_root
from mads.project import audit as project
from mads.project.check import runs
from mads.wire import codec
from mads.wire.status import AuditQuery, AuditRow, Verified

HEAD = ("SEQ", "AT", "KIND", "PRINCIPAL", "TENANT", "CHAIN", "SUBJECT", "", "RULE", "REV", "REQUEST")


@click.group(cls=Group)
def audit() -> None:
    """Show what was decided, and verify that nothing of it was changed."""


@audit.command("list")
@click.option("--limit", default=100, show_default=True, help="How many, the last of them.")
@click.option("--principal", default="", help="Only about this principal.")
@click.option("--tenant", default="", help="Only about those of this tenant.")
@click.option("--denied", is_flag=True, help="Only what was denied.")
@json_option
def list_(*, limit: int, principal: str, tenant: str, denied: bool, as_json: bool) -> None:
    """Show the last decisions, oldest first: about calls, keys, rights and sign-ins."""
    rows = rows_of(AuditQuery(limit=limit, principal=principal, tenant=tenant, denied=denied))
    listed(HEAD, rows, row, what="decision", as_json=as_json)


@audit.command()
@json_option
def verify(*, as_json: bool) -> int:
    """Find every row that was changed, moved, or is missing; exit with 1 where there is one.

    The system may run or rest.
    """
    root = find_root()
    found = asked("audit_verify", Verified) if asyncio.run(runs(root)) else asyncio.run(project.verified(root))
    if as_json:
        show(codec.plain(found), as_json=True)
    else:
        for line in found.wrong:
            show(line)
        show(
            f"{found.rows} rows, {'which is not what was written' if found.wrong else f'all as written; {found.head}'}"
        )
    return 1 if found.wrong else 0


@audit.command()
@json_option
def accept(*, as_json: bool) -> None:
    """Go on with an audit that is not as it was written: a row says from now on what was wrong, and that you know.

    For a system that does not start for it, after mads audit verify. What is wrong stays, and stays to be seen.
    """
    wrong = list(asyncio.run(project.accept(find_root())))
    if as_json:
        show({"accepted": wrong}, as_json=True)
    else:
        show("\n".join((*wrong, "accepted as it is, which is a row of the audit now")))


def rows_of(which: AuditQuery) -> list[AuditRow]:
    """Return the last rows that fit `which`, of the running system or of one that rests."""
    root = find_root()
    if asyncio.run(runs(root)):
        return asked("audit_list", list[AuditRow], which=codec.plain(which))
    return list(asyncio.run(project.rows(root, which)))


def row(it: AuditRow) -> tuple[Any, ...]:
    """Return a row of the audit as that of a table."""
    came = "allowed" if it.allowed else "DENIED"
    return (
        it.seq,
        it.at,
        it.kind,
        it.principal,
        it.tenant,
        it.chain,
        it.subject,
        came,
        it.rule,
        it.revision,
        it.request,
    )
