"""Roles and grants are the operator's to change, stay, and are told of; the audit shows whatever was done to it.

Covers the desk and the audit. Does not cover what a decision is about: tests/guard/test_policy.py does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw
import pytest

from mads import Denied, InvalidMessage
from mads.guard.principals import ADMIN, OPERATOR
from mads.host.attest import Attested
from mads.project import audit, policy
from mads.project.migrate import plan
from mads.project.resting import opened
from mads.store.audit.port import Which
from mads.testing.placed import Placed, placed
from mads.wire.call import Identity
from mads.wire.errors import ConfigError, StoreError, UsageError
from mads.wire.status import AuditQuery, Case

COVERS = ("R-044", "R-047")

ROOT = str(Path(__file__).parents[2])
TREE: dict[str, Any] = {"path": (ROOT,), "tree": "tests.behaviour.troupe:Tree"}


async def steward(it: Placed, tool: str, who: str | Identity = OPERATOR, **what: Any) -> Any:
    return await it.call(f"steward.{tool}", principal=who, **what)


async def test_what_was_granted_is_there_after_a_restart_with_its_revision(tmp_path: Path) -> None:
    async with placed(tmp_path, **TREE) as it:
        await steward(it, "role_new", role="reader", allow=["mads.tree.*:read_only"], deny=["mads.tree.where"])
        before = await steward(it, "grant", whom="ana", what="reader")
        assert before["revision"] == 2
    async with placed(tmp_path, **TREE) as it:
        assert await steward(it, "policy_show") == before
        assert await it.call("tree.all", principal=Identity("ana")) == []
        gone = await steward(it, "role_drop", role="reader")
        assert (gone["revision"], "reader" in gone["roles"]) == (3, False)
        with pytest.raises(Denied):
            await it.call("tree.all", principal=Identity("ana"))


@pytest.mark.parametrize(
    "who", [Identity("ci", roles=(ADMIN,)), Identity("anonymous"), Identity(OPERATOR, chain=("tree",))]
)
async def test_nobody_but_the_operator_changes_rights_and_no_mad_for_it(tmp_path: Path, who: Identity) -> None:
    async with placed(tmp_path, **TREE) as it:
        for tool, what in (
            ("role_new", {"role": "r"}),
            ("role_drop", {"role": "r"}),
            ("grant", {"whom": "ana", "what": "admin"}),
            ("revoke", {"whom": "ana", "what": "admin"}),
        ):
            with pytest.raises(Denied):
                await steward(it, tool, who, **what)
        assert (await steward(it, "policy_show"))["revision"] == 0


@pytest.mark.parametrize(
    ("tool", "what", "said"),
    [
        ("grant", {"whom": "ana", "what": "readr"}, "there is no role 'readr'"),
        ("grant", {"whom": "ana", "what": "mads.nope.*"}, "no tool here fits"),
        ("grant", {"whom": "ana", "what": "mads.tree.*:sometimes"}, "is no pattern"),
        ("grant", {"whom": "ana", "what": "mads.tree.*", "when": "tenant = 1"}, "character 8"),
        ("grant", {"whom": "ana", "what": "mads.tree.*", "when": "nope"}, "nothing is called 'nope'"),
        ("grant", {"whom": "ana", "what": "admin", "when": "true"}, "stands at a pattern"),
        ("grant", {"whom": "operator", "what": "admin"}, "the system's own principal"),
        ("grant", {"whom": "role:nope", "what": "mads.tree.*"}, "there is no role 'nope'"),
        ("grant", {"whom": "role:admin", "what": "mads.tree.*"}, "built in"),
        ("grant", {"whom": "mad:tree", "what": "admin"}, "holds patterns of tools"),
        ("grant", {"whom": "ana", "what": "admin", "tenant": "a b"}, "is no name"),
        ("revoke", {"whom": "ana", "what": "admin"}, "was not granted admin"),
        ("role_new", {"role": "a b"}, "is no name for a role"),
        ("role_new", {"role": "admin"}, "built in"),
        ("role_new", {"role": "mads.x"}, "is no name for a role"),
        ("role_new", {"role": "r", "when": "true"}, "says nothing"),
        ("role_drop", {"role": "nope"}, "there is no role"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_what_to_write(
    tmp_path: Path, tool: str, what: dict[str, Any], said: str
) -> None:
    async with placed(tmp_path, **TREE) as it:
        with pytest.raises(InvalidMessage, match=said):
            await steward(it, tool, **what)
        assert (await steward(it, "policy_show"))["revision"] == 0


async def test_a_table_of_cases_is_decided_by_the_rules_that_count(tmp_path: Path) -> None:
    async with placed(tmp_path, **TREE) as it:
        await steward(it, "grant", whom="ana", what="mads.tree.grow", when="arguments.leaf.text == 'oak'")
        cases = [
            {"principal": "ana", "tool": "tree.grow", "arguments": {"leaf": {"text": "oak"}}, "expect": "allow"},
            {"principal": "ana", "tool": "mads.tree.grow", "arguments": {"leaf": {"text": "ash"}}, "expect": "allow"},
            {"principal": "anonymous", "tool": "tree.fell", "expect": "deny"},
            {"principal": "bo", "tool": "tree.fell", "roles": ["admin"], "expect": "allow"},
            {"principal": "bo", "tool": "tree.fell", "roles": ["admin"], "chain": ["tree"], "expect": "allow"},
            {"principal": "eve", "tool": "tree.fel", "expect": "deny"},
        ]
        results = await steward(it, "policy_test", cases=cases)
        assert [result["passed"] for result in results] == [True, False, True, True, True, False]
        assert "it does not hold" in results[1]["rule"]
        assert "did you mean 'mads.tree.fell'?" in results[-1]["rule"]


async def test_each_tenant_sees_its_own_rows_and_rules(tmp_path: Path) -> None:
    async with placed(tmp_path, **TREE) as it:
        for tenant in ("acme", "globex"):
            await steward(it, "grant", whom="ana", what="admin", tenant=tenant)
            await it.call("tree.all", principal=Identity("ana", tenant))
        acme = Identity("ana", "acme")
        assert {row["tenant"] for row in await steward(it, "audit_list", acme)} == {"acme"}
        assert {row["tenant"] for row in await steward(it, "audit_list", acme, which={"tenant": "globex"})} == {"acme"}
        shown = (await steward(it, "policy_show", acme))["grants"]
        assert {grant["tenant"] for grant in shown} == {"*", "acme"}


async def tampered(folder: Path, *statements: str) -> None:
    """Fill an audit, and do something to it behind the system's back while it is down."""
    async with placed(folder, **TREE) as it:
        for _ in range(6):
            with pytest.raises(Denied):
                await it.call("tree.all", principal=Identity("eve"))
    database: Any = apsw.Connection(str(folder / ".mads" / "store.sqlite"))
    for statement in statements:
        list(database.execute(statement))
    database.close()


async def found(folder: Path) -> Sequence[str]:
    """Return what is wrong with the audit of a system that does not start for it."""
    with pytest.raises(StoreError, match="mads audit accept"):
        async with placed(folder, **TREE):
            pass
    return (await audit.verified(folder)).wrong


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE audit SET principal = 'ana' WHERE seq = 3", "row 3 was changed"),
        ("UPDATE audit SET allowed = 1 WHERE seq = 6", "row 6 was changed"),
        ("UPDATE audit SET hash = zeroblob(32) WHERE seq = 2", "row 2 was changed"),
        ("DELETE FROM audit WHERE seq = 4", "row 4 missing"),
        ("DELETE FROM audit WHERE seq IN (2, 3)", "rows 2 to 3 missing"),
        ("DELETE FROM audit WHERE seq > 4", "the rows from 5 to 6 at the end are missing"),
        ("DELETE FROM audit", "the rows from 1 to 6 at the end are missing"),
        (
            "UPDATE audit SET seq = 9 - seq + 90 WHERE seq IN (4, 5); UPDATE audit SET seq = seq - 90 WHERE seq > 90",
            "row 4 was changed",
        ),
    ],
)
async def test_what_was_done_to_the_audit_is_found(tmp_path: Path, statement: str, said: str) -> None:
    await tampered(tmp_path, *statement.split("; "))
    assert any(said in line for line in await found(tmp_path))


@pytest.mark.slow
async def test_rows_cut_off_at_the_end_are_found_even_where_the_count_was_cut_too(tmp_path: Path) -> None:
    cut = "DELETE FROM audit WHERE seq > 4"
    count = "UPDATE sqlite_sequence SET seq = 4 WHERE name = 'audit'"
    await tampered(tmp_path, cut, count)
    assert any("the rows from 5 to 6 at the end are missing" in line for line in await found(tmp_path))


@pytest.mark.slow
async def test_what_is_wrong_with_the_audit_stays_to_be_seen_where_the_operator_accepts_it(tmp_path: Path) -> None:
    await tampered(tmp_path, "DELETE FROM audit WHERE seq = 4")
    assert tuple(await audit.accept(tmp_path)) == ("row 4 missing",)
    with pytest.raises(UsageError, match="accepted before"):
        await audit.accept(tmp_path)
    async with placed(tmp_path, **TREE) as it:
        wrong = (await steward(it, "audit_verify"))["wrong"]
    assert wrong == ["row 4 missing", "row 7 says: accepted as it is: row 4 missing"]


@pytest.mark.slow
async def test_an_audit_that_nobody_touched_is_whole_over_restarts(tmp_path: Path) -> None:
    await tampered(tmp_path)
    assert (await audit.verified(tmp_path)).wrong == ()
    (tmp_path / ".mads" / "audit.head").unlink()
    assert any("which notes the last row, is missing" in line for line in await found(tmp_path))


@pytest.mark.slow
async def test_a_row_that_pretends_to_accept_accepts_nothing(tmp_path: Path) -> None:
    await tampered(
        tmp_path,
        "UPDATE audit SET principal = 'ana' WHERE seq = 3",
        "UPDATE audit SET kind = 'audit', rule = 'accepted as it is: nothing' WHERE seq = 5",
    )
    assert any("row 3 was changed" in line for line in await found(tmp_path))


async def test_what_is_cut_by_age_is_only_what_is_as_it_was_written(tmp_path: Path) -> None:
    async with placed(tmp_path, **TREE) as it:
        await steward(it, "grant", whom="ana", what="mads.tree.*")
    async with opened(tmp_path) as database:
        kept = Attested(tmp_path / ".mads", database)
        late = (await kept.store.last(Which(), 1))[0].event.at + 1
        await database.write(lambda it: it.execute("UPDATE audit SET at = 1 WHERE seq = 1"))
        with pytest.raises(StoreError, match="row 1 was changed"):
            await kept.store.cut(late)
        await kept.accept()
        while (head := await kept.store.cut(late)) is not None:
            kept.remember(head)
        assert (await kept.verified()).wrong == (
            "row 3 says: accepted as it is: row 1 was changed, or the one before it",
        )
    async with placed(tmp_path, **TREE) as it:
        assert await it.call("tree.all", principal=Identity("ana")) == []


async def test_rules_are_tested_and_the_audit_is_shown_while_the_system_rests(tmp_path: Path) -> None:
    case = Case(principal="ana", tool="tree.all", expect="allow")
    with pytest.raises(UsageError, match="nothing ran here yet"):
        await audit.verified(tmp_path)
    async with placed(tmp_path, **TREE) as it:
        await steward(it, "grant", whom="ana", what="mads.tree.*:read_only")
        with pytest.raises(ConfigError, match="end that first"):
            await audit.verified(tmp_path)
    (tmp_path / "mads.toml").write_text(f'path = ["{ROOT}"]\n[mads]\ntree = "tests.behaviour.troupe:Tree"\n')
    (result,) = await policy.tested(tmp_path, [case])
    assert result.passed
    assert [row.kind for row in await audit.rows(tmp_path, AuditQuery(limit=1))] == ["policy"]


@pytest.mark.parametrize("left", [None, b""])
async def test_a_store_that_is_gone_is_not_begun_anew(tmp_path: Path, left: bytes | None) -> None:
    async with placed(tmp_path, **TREE):
        pass
    for file in (tmp_path / ".mads").glob("store.sqlite*"):
        file.unlink()
    if left is not None:
        (tmp_path / ".mads" / "store.sqlite").write_bytes(left)
    with pytest.raises(StoreError, match=r"is (missing|empty), and by audit\.key .* move .*\.mads away"):
        async with placed(tmp_path, **TREE):
            pass
    with pytest.raises(StoreError, match="is not begun anew"):
        plan(tmp_path)


async def test_keys_that_are_made_and_revoked_are_in_the_audit(tmp_path: Path) -> None:
    async with placed(tmp_path, **TREE) as it:
        made = await steward(it, "key_new", name="ci", scopes=["mads.tree.*"])
        assert made["info"]["roles"] == ["developer"]
        await steward(it, "key_revoke", key=1)
        rows = [row for row in await steward(it, "audit_list") if row["kind"] == "key"]
        told = [("key 1", "made for ci of default: mads.tree.*"), ("key 1", "revoked")]
        assert [(row["subject"], row["rule"]) for row in rows] == told
