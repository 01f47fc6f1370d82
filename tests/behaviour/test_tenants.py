"""What is on record of one tenant's calls is shown to that tenant and to the operator.

Covers dead letters, traces, conversations, exports, datasets, figures and imports. Does not cover what a MAD keeps in
its fields, which is its author's to keep apart, nor what any tenant's events lead to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mads import Denied, InvalidMessage
from mads.host.caller import Caller
from mads.testing.placed import Heard, Placed, placed
from mads.wire import codec
from mads.wire.call import Identity
from mads.wire.context import Origin
from mads.wire.failure import error_of

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
ACME, GLOBEX = Identity("ana", "acme", roles=("admin",)), Identity("bo", "globex", roles=("admin",))


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


async def streamed(it: Placed, verb: str, who: str | Identity) -> list[str]:
    """Return the lines that a tool of the steward streams to somebody."""
    heard = Heard()
    await it.call(f"steward.{verb}", principal=who, heard=heard)
    return [str(line) for line in heard.items]


async def named(it: Placed, tool: str, who: Identity, **arguments: Any) -> Any:
    """Call a tool of the steward that has an argument `conversation` of its own."""
    call = Caller(who).call(f"mads.steward.{tool}", codec.raw({"conversation": "42", **arguments}))
    reply = await it.bus.request(call)
    if reply.failure is not None:
        raise error_of(reply.failure)
    return codec.plain(codec.decode(codec.raw(reply.body), Any))


async def test_a_tenant_is_told_of_no_conversation_but_its_own(tmp_path: Path) -> None:
    (tmp_path / "vault_of_both.py").write_text(MODULE, encoding="utf-8")
    async with placed(tmp_path, vault="vault_of_both:Vault") as it:
        for who in (ACME, GLOBEX):
            await named(it, "say", who, text=f"{who.tenant} has a plan")
        await named(it, "conversations_hold", GLOBEX, why="globex goes to court")

        (mine,) = await it.call("steward.conversations_list", principal=ACME)
        assert (mine["tenant"], mine["participants"], mine["held"]) == ("acme", ["ana"], "")
        said = await named(it, "conversations_show", ACME)
        assert [turn["text"] for turn in said] == ["acme has a plan"]
        stats = await it.call("steward.capture_stats", principal=ACME)
        assert (stats["conversations"], stats["held"], stats["kinds"]["call"]) == (1, 0, stats["rows"])
        seen = [*await streamed(it, "conversations_export", ACME), *await streamed(it, "capture_dataset", ACME)]
        assert any("acme has a plan" in line for line in seen)
        assert not any("globex" in line for line in seen)
        assert len(await it.call("steward.conversations_list", principal="operator")) == 2


@pytest.mark.parametrize(
    ("tool", "more"), [("show", {}), ("hold", {"why": "x"}), ("release", {}), ("label", {"label": "ok"}), ("erase", {})]
)
async def test_nobody_names_a_conversation_of_another_tenant(tool: str, more: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "vault_of_none.py").write_text(MODULE, encoding="utf-8")
    async with placed(tmp_path, vault="vault_of_none:Vault") as it:
        await named(it, "say", GLOBEX, text="globex has a plan")
        with pytest.raises(Denied, match="may not see what is tenant 'globex'"):
            await named(it, f"conversations_{tool}", ACME, tenant="globex", **more)


async def test_a_trace_that_two_tenants_share_is_shown_to_each_in_part(tmp_path: Path) -> None:
    (tmp_path / "vault_of_a_trace.py").write_text(MODULE, encoding="utf-8")
    origin = Origin("5" * 32, "6" * 16)
    async with placed(tmp_path, vault="vault_of_a_trace:Vault") as it:
        for who in (ACME, GLOBEX):
            await it.call("steward.say", principal=who, conversation="42", text="hello", origin=origin)
        for who in (ACME, GLOBEX):
            tree = await it.call("steward.trace", principal=who, id=origin.trace)
            assert {hop["principal"] for hop in tree["hops"]} == {who.principal}
            (line,) = await it.call("steward.traces", principal=who, limit=1, control=True)
            assert line["principal"] == who.principal


async def test_a_tenant_is_told_of_its_own_keys_only(tmp_path: Path) -> None:
    (tmp_path / "vault_of_keys.py").write_text(MODULE, encoding="utf-8")
    async with placed(tmp_path, vault="vault_of_keys:Vault") as it:
        for who in (ACME, GLOBEX):
            asked: dict[str, Any] = {"name": who.principal, "tenant": who.tenant, "scopes": ["mads.steward.*"]}
            await it.call("steward.key_new", principal="operator", **asked)
        assert [key["tenant"] for key in await it.call("steward.key_list", principal=ACME)] == ["acme"]
        assert len(await it.call("steward.key_list", principal="operator")) == 2
