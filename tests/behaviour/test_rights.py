"""Who may call what is one answer wherever a MAD runs: by its roles, by the arguments, along the whole chain of a call.

Covers what callers and operators see of it. Does not cover the decision in itself: tests/guard/test_policy.py does.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mads import Denied
from mads.guard.principals import OPERATOR
from mads.host.config import MadConfig
from mads.testing.placed import Placed
from mads.wire.call import Identity
from tests.behaviour.conftest import Troupe
from tests.behaviour.troupe import Leaf, Tree

COVERS = ("R-044", "R-047", "R-099", "R-101")

ANA = Identity("ana", "acme")
OAK: dict[str, Any] = {"leaf": {"text": "oak"}}


async def steward(it: Placed, tool: str, **what: Any) -> Any:
    return await it.call(f"steward.{tool}", principal=OPERATOR, **what)


async def denied(it: Placed, tool: str, who: Identity = ANA, **arguments: Any) -> str:
    with pytest.raises(Denied) as told:
        await it.call(tool, principal=who, **arguments)
    return str(told.value)


@asynccontextmanager
async def with_reader(troupe: Troupe) -> AsyncGenerator[Placed]:
    """Run a tree and its gardener, with a role that may read what is the tree's."""
    async with troupe("tree", "gardener") as it:
        await steward(it, "role_new", role="reader", allow=["mads.tree.*:read_only"])
        yield it


async def test_what_no_rule_allows_is_denied_and_what_one_allows_counts_at_once(troupe: Troupe) -> None:
    async with with_reader(troupe) as it:
        assert "mads grant ana mads.tree.all --tenant acme" in await denied(it, "tree.all")
        await steward(it, "grant", whom="ana", what="reader", tenant="acme")
        assert await it.call("tree.all", principal=ANA) == []
        await denied(it, "tree.grow", **OAK)
        await denied(it, "tree.all", Identity("ana", "globex"))
        await steward(it, "revoke", whom="ana", what="reader", tenant="acme")
        await denied(it, "tree.all")


async def test_a_role_of_a_credential_is_as_good_as_a_granted_one_and_a_denial_wins(troupe: Troupe) -> None:
    async with with_reader(troupe) as it:
        bo = Identity("bo", roles=("reader",))
        assert await it.call("tree.all", principal=bo) == []
        await steward(it, "grant", whom="bo", what="mads.tree.all", allow=False)
        assert "bo of default: deny mads.tree.all" in await denied(it, "tree.all", bo)
        assert await it.call("tree.where", principal=bo)


async def test_what_destroys_needs_a_grant_that_says_so(troupe: Troupe) -> None:
    async with with_reader(troupe) as it:
        await steward(it, "grant", whom="ana", what="mads.tree.*", tenant="acme")
        await it.call("tree.grow", principal=ANA, **OAK)
        assert "mads grant ana mads.tree.fell:destructive --tenant acme" in await denied(it, "tree.fell")
        await steward(it, "grant", whom="ana", what="mads.tree.fell:destructive", tenant="acme")
        assert await it.call("tree.fell", principal=ANA) == 1


async def test_a_condition_decides_by_the_arguments_as_the_handler_sees_them(troupe: Troupe) -> None:
    async with with_reader(troupe) as it:
        when = 'arguments.leaf.text.endsWith(".example.org") && tenant == "acme"'
        await steward(it, "grant", whom="ana", what="mads.tree.grow", tenant="*", when=when)
        assert await it.call("tree.grow", principal=ANA, leaf={"text": "docs.example.org"}) == 1
        assert "it does not hold" in await denied(it, "tree.grow", leaf={"text": "evil.org"})
        await denied(it, "tree.grow", Identity("ana", "globex"), leaf={"text": "docs.example.org"})
        ana = it.mad(Tree, principal="ana")
        assert await ana.grow(Leaf("by one who may all")) == 1


async def test_the_rights_of_a_call_are_those_of_everybody_along_its_chain(troupe: Troupe) -> None:
    async with with_reader(troupe) as it:
        await steward(it, "grant", whom="ana", what="mads.gardener.*", tenant="acme")
        with pytest.raises(Exception, match=r"no rule lets 'ana' call mads\.tree\.principal"):
            await it.call("gardener.principal_below", principal=ANA)
        await steward(it, "grant", whom="ana", what="mads.tree.*", tenant="acme", when='"gardener" in chain')
        assert await it.call("gardener.principal_below", principal=ANA) == "ana"
        await denied(it, "tree.principal")
        await steward(it, "grant", whom="mad:gardener", what="mads.tree.principal", tenant="*", allow=False)
        with pytest.raises(Exception, match=r"mad:gardener: deny mads\.tree\.principal"):
            await it.call("gardener.principal_below", principal=ANA)


async def test_a_mad_calls_what_it_declares_and_the_configuration_may_narrow_that(troupe: Troupe) -> None:
    narrow = MadConfig("tests.behaviour.troupe:Gardener", calls=("mads.tree.left",))
    async with troupe("tree", gardener=narrow) as it:
        assert await it.call("gardener.left_below") > 0
        with pytest.raises(Exception, match=r'gardener = \{ …, calls = \["mads.tree.principal"\] \}'):
            await it.call("gardener.principal_below")


async def test_a_refusal_is_in_the_audit_with_its_rule_and_can_be_explained_by_its_id(troupe: Troupe) -> None:
    async with with_reader(troupe) as it:
        with pytest.raises(Denied) as told:
            await it.call("tree.grow", principal=ANA, **OAK)
        (row,) = await steward(it, "audit_list", which={"request": told.value.request})
        assert (row["allowed"], row["rule"], row["revision"]) == (False, "nothing allows it", 1)
        assert (row["principal"], row["tenant"], row["subject"]) == ("ana", "acme", "mads.tree.grow")
        await it.call("tree.grow", principal="bo", **OAK)
        (row,) = await steward(it, "audit_list", which={"principal": "bo"})
        assert (row["allowed"], row["rule"]) == (True, "role:admin: allow mads.>")
        assert (await steward(it, "audit_verify"))["wrong"] == []
