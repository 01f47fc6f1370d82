"""Only the operator makes, replaces and revokes API keys, and a system that is started again knows them.

Covers the steward's tools for keys behind all layers. Does not cover the command line: tests/cli/test_key.py does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mads.guard.credential import Unverified
from mads.guard.principals import OPERATOR
from mads.testing.placed import Placed, placed
from mads.wire.call import Identity
from mads.wire.errors import Denied, InvalidMessage

COVERS = ("R-043",)

CI: dict[str, Any] = {"name": "ci", "scopes": ["mads.steward.*:read_only"], "lasts": 3600}

ASKED: list[tuple[str, dict[str, Any]]] = [
    ("key_new", CI),
    ("key_rotate", {"key": 1, "grace": 60}),
    ("key_revoke", {"key": 1}),
]


async def new(it: Placed, **what: Any) -> Any:
    return await it.call("steward.key_new", principal=OPERATOR, **CI | what)


async def test_a_key_is_known_from_the_moment_it_is_made_and_after_a_restart(tmp_path: Path) -> None:
    async with placed(tmp_path) as it:
        made = await new(it, tenant="acme", roles=["builder"])
        assert it.system.keys.ring.grant(made["written"]).identity.principal == "ci"
    for file in (tmp_path / ".mads").rglob("*"):
        assert not file.is_file() or made["written"][7:50].encode() not in file.read_bytes(), file
    async with placed(tmp_path) as it:
        identity = it.system.keys.ring.grant(made["written"]).identity
        assert identity == Identity("ci", "acme", roles=("builder",), scopes=("mads.steward.*:read_only",))
        (listed,) = await it.call("steward.key_list", principal="operator")
        assert listed == made["info"]
        assert (listed["state"], listed["replaces"]) == ("good", 0)


async def test_a_new_key_stands_beside_the_old_one_for_as_long_as_one_says(tmp_path: Path) -> None:
    async with placed(tmp_path) as it:
        ring = it.system.keys.ring
        first = await new(it)
        second = await it.call("steward.key_rotate", principal=OPERATOR, key=1, grace=60)
        assert ring.grant(second["written"]).identity == ring.grant(first["written"]).identity
        assert second["info"]["replaces"] == 1
        third = await it.call("steward.key_rotate", principal=OPERATOR, key=2, grace=0)
        with pytest.raises(Unverified, match="has expired"):
            ring.grant(second["written"])
        assert ring.grant(third["written"])
        assert [it["state"] for it in await it.call("steward.key_list", principal="operator")] == [
            "good",
            "expired",
            "good",
        ]


async def test_a_revoked_key_is_worth_nothing_now_and_later(tmp_path: Path) -> None:
    async with placed(tmp_path) as it:
        made = await new(it)
        assert (await it.call("steward.key_revoke", principal=OPERATOR, key=1))["state"] == "revoked"
        with pytest.raises(InvalidMessage, match="was revoked"):
            await it.call("steward.key_revoke", principal=OPERATOR, key=1)
        with pytest.raises(InvalidMessage, match="was revoked"):
            await it.call("steward.key_rotate", principal=OPERATOR, key=1, grace=1)
    async with placed(tmp_path) as it:
        with pytest.raises(Unverified, match="was revoked"):
            it.system.keys.ring.grant(made["written"])


@pytest.mark.parametrize(
    "who", [Identity("ci", scopes=("mads.>",)), Identity("anonymous"), Identity(OPERATOR, chain=("scribe",))]
)
async def test_nobody_but_the_operator_changes_keys_and_no_mad_for_it(tmp_path: Path, who: Identity) -> None:
    async with placed(tmp_path) as it:
        await new(it)
        for tool, arguments in ASKED:
            with pytest.raises(Denied):
                await it.call(f"steward.{tool}", principal=who, **arguments)
        assert [key["state"] for key in await it.call("steward.key_list", principal="operator")] == ["good"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": "operator"}, "the system's own"),
        ({"name": "mad:scribe"}, "the system's own"),
        ({"name": "an a"}, "visible characters"),
        ({"tenant": ""}, "tenant ''"),
        ({"roles": ["a\nb"]}, "the role"),
        ({"scopes": []}, "'mads.>' is for everything"),
        ({"scopes": ["steward.*"]}, "is no scope"),
        ({"scopes": ["mads.stewart.*"]}, "no tool here fits"),
        ({"lasts": -1}, "lasts is -1"),
    ],
)
async def test_a_key_that_cannot_be_is_refused_with_what_to_write(
    tmp_path: Path, wrong: dict[str, Any], told: str
) -> None:
    async with placed(tmp_path) as it:
        with pytest.raises(InvalidMessage, match=told):
            await new(it, **wrong)
        assert await it.call("steward.key_list", principal="operator") == []


async def test_a_scope_holds_at_the_callee_whoever_lets_the_call_in(tmp_path: Path) -> None:
    async with placed(tmp_path) as it:
        reader = Identity("ci", roles=("admin",), scopes=("mads.steward.*:read_only",))
        assert await it.call("steward.ps", principal=reader)
        with pytest.raises(Denied, match=r"not for mads\.steward\.emit"):
            await it.call("steward.emit", principal=reader, event="x", body={})
