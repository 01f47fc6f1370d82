"""What is on record of one tenant's calls is shown to that tenant and to the operator.

Covers dead letters, traces and imports. Does not cover what a MAD keeps in its fields, which is its author's to keep
apart, nor what any tenant's events lead to.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mads import Denied, InvalidMessage
from mads.testing.placed import Heard, placed
from mads.wire.call import Identity

COVERS = ("R-050",)

MODULE = """
from mads import mad, message, on

@message(critical=True, owner="vault")
class Rotated:
    name: str

@mad
class Vault:
    @on(Rotated)
    async def hear(self, event: Rotated) -> None:
        pass
"""
ACME, GLOBEX = Identity("ana", "acme"), Identity("bo", "globex")


async def test_a_tenant_sees_and_touches_its_own_dead_letters_and_traces_only(tmp_path: Path) -> None:
    (tmp_path / "vault_of_two.py").write_text(MODULE, encoding="utf-8")
    async with placed(tmp_path, vault="vault_of_two:Vault") as it:
        for who in (ACME, GLOBEX):
            with pytest.raises(Denied):
                await it.call("steward.emit", principal=who, event="Rotated", body={"name": who.tenant})
        seen = await it.call("steward.dead_list", principal="operator")
        ours, others = (letter["id"] for letter in seen["letters"])

        mine = await it.call("steward.dead_list", principal=ACME)
        assert [letter["id"] for letter in mine["letters"]] == [ours]
        for verb in ("show", "retry", "drop"):
            with pytest.raises(InvalidMessage, match=f"there is no dead letter {others}"):
                await it.call(f"steward.dead_{verb}", principal=ACME, letter=others)
        assert await it.call("steward.dead_drop_all", principal=ACME) == 1
        assert await it.call("steward.dead_drop_all", principal="operator") == 1

        traces = await it.call("steward.traces", principal="operator", control=True)
        theirs = next(trace["trace"] for trace in traces if trace["principal"] == "bo")
        assert {trace["principal"] for trace in traces} >= {"ana", "bo", "operator"}
        own = await it.call("steward.traces", principal=ACME, control=True)
        assert {trace["principal"] for trace in own} == {"ana"}
        assert (await it.call("steward.trace", principal="operator", id=theirs))["hops"]
        with pytest.raises(InvalidMessage, match="nothing is recorded"):
            await it.call("steward.trace", principal=ACME, id=theirs)


async def test_nobody_but_the_operator_imports_what_is_another_tenants(tmp_path: Path) -> None:
    (tmp_path / "vault_of_one.py").write_text(MODULE, encoding="utf-8")
    export = tmp_path / "export.jsonl"
    async with placed(tmp_path, vault="vault_of_one:Vault") as it:
        await it.call("steward.ps", principal=ACME)
        heard = Heard()
        await it.call("steward.conversations_export", principal=ACME, heard=heard)
        export.write_text("".join(f"{line}\n" for line in heard.items), encoding="utf-8")
        with pytest.raises(Denied, match="rows of tenant 'acme'"):
            await it.call("steward.conversations_import", principal=GLOBEX, path=str(export))
        for who in (ACME, "operator"):
            taken = await it.call("steward.conversations_import", principal=who, path=str(export))
            assert taken["added"] == 0
            assert taken["known"] >= 1
