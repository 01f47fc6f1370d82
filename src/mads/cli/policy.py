"""`mads policy`: who may call what, why a call was or was not allowed, and whether the rules say what is expected."""

from __future__ import annotations

import asyncio
import csv
import io
import tomllib
from pathlib import Path
from typing import Any, cast

import click
import msgspec

from mads.cli.audit import HEAD as AUDIT
from mads.cli.audit import row as audited
from mads.cli.audit import rows_of
from mads.cli.group import Group
from mads.cli.remote import asked
from mads.cli.role import HEAD, row
from mads.cli.terminal import json_option, show, table
from mads.host.config import find_root
from mads.project import policy as project
from mads.project.check import runs
from mads.wire import codec
from mads.wire.errors import UsageError
from mads.wire.status import AuditQuery, Case, CaseResult, Rights

LISTS = ("roles", "chain", "labels")
A_CASE = 'a case has principal, tool, expect ("allow" or "deny"), and may have tenant, roles, arguments, chain, labels'


@click.group(cls=Group)
def policy() -> None:
    """Show, explain and test who may call what."""


@policy.command("show")
@json_option
def show_(*, as_json: bool) -> None:
    """Show every rule, who holds which role, and the revision."""
    rights = asked("policy_show", Rights)
    if as_json:
        show(codec.plain(rights), as_json=True)
        return
    table(HEAD, [row(grant) for grant in rights.grants])
    show(f"\nrevision {rights.revision}")


@policy.command()
@click.argument("request_id")
@json_option
def explain(request_id: str, *, as_json: bool) -> None:
    """Show which rule decided about a call, by its id as its answer or its error has it, and about those below it."""
    own = rows_of(AuditQuery(request=request_id))
    if not own:
        raise UsageError(f"nothing was decided about a request {request_id!r}; mads audit list shows what was")
    rows = rows_of(AuditQuery(trace=own[0].trace)) if own[0].trace else own
    if as_json:
        show(codec.plain(rows), as_json=True)
    else:
        table(AUDIT, [audited(each) for each in rows])


@policy.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def test(file: Path, *, as_json: bool) -> int:
    """Decide the cases in FILE by the rules that count now, and show those that come out otherwise than expected.

    FILE is TOML, a table [[case]] each, or CSV with a head: principal, tool and expect (allow or deny); and tenant,
    roles, arguments, chain, conversation, labels where they matter. The system may run or rest.
    """
    read, root = cases(file), find_root()
    if asyncio.run(runs(root)):
        results = asked("policy_test", list[CaseResult], cases=codec.plain(read))
    else:
        results = list(asyncio.run(project.tested(root, read)))
    failed = [result for result in results if not result.passed]
    if as_json:
        show({"cases": len(results), "failed": codec.plain(failed)}, as_json=True)
    else:
        for result in failed:
            case = result.case
            came = "allowed" if result.allowed else "denied"
            show(f"{case.principal} of {case.tenant} {came} {case.tool}, expected {case.expect}: {result.rule}")
        show(f"{len(results)} cases, {len(failed)} failed")
    return 1 if failed else 0


def cases(file: Path) -> list[Case]:
    """Return the cases in `file`; raise `UsageError` where it has none, or one that is none."""
    try:
        text = file.read_text(encoding="utf-8")
        read: list[Any] = _table(text) if file.suffix == ".csv" else tomllib.loads(text).get("case", [])
        found = [_case(each, number) for number, each in enumerate(read, 1)]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, csv.Error, AttributeError, TypeError) as error:
        raise UsageError(f"{file}: {error}; write TOML with tables [[case]], or a file .csv with a head") from error
    if not found:
        raise UsageError(f"{file} has no case; write [[case]] and below it principal, tool and expect")
    return found


def _case(said: Any, number: int) -> Case:
    try:
        return msgspec.convert(said, Case)
    except msgspec.ValidationError as error:
        raise UsageError(f"case {number}: {error}; {A_CASE}") from error


def _table(text: str) -> list[dict[str, Any]]:
    """Return the rows of a table in CSV: lists have spaces between, arguments are JSON."""
    rows: list[dict[str, Any]] = []
    for line in csv.DictReader(io.StringIO(text), strict=True):
        said = {key.strip(): value.strip() for key, value in cast("dict[str, str]", line).items() if value.strip()}
        rows.append({key: _value(key, value) for key, value in said.items()})
    return rows


def _value(key: str, value: str) -> Any:
    try:
        return value.split() if key in LISTS else msgspec.json.decode(value) if key == "arguments" else value
    except msgspec.DecodeError as error:
        raise UsageError(f"arguments {value!r:.80} are no JSON: {error}") from error
