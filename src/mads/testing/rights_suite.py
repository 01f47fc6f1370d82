"""What every store of rights must hold: `CHECKS`, each of which gets an empty store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from mads.store.rights.port import Change, Grant, Kept, Rights, Terms

Check = Callable[[Rights], Awaitable[None]]
"""A promise as a test."""

NOW = 1_800_000_000_000
READS = Terms("role:reader", "*", "mads.>:read_only")
DENIED = Terms("role:reader", "acme", "mads.turing.*", allow=False, when='tenant == "naïve ✓"')
HOLDS = Terms("ana", "acme", "reader")


async def what_is_changed_is_there_and_a_new_revision(rights: Rights) -> None:
    assert await rights.kept() == Kept(0, (), ())
    kept = await rights.change(Change(what="first", made=("reader",), granted=(READS, DENIED)), now=NOW)
    assert kept == Kept(1, ("reader",), (Grant(1, READS), Grant(2, DENIED)))
    kept = await rights.change(Change(what="second", granted=(HOLDS,)), now=NOW + 1)
    assert (kept.revision, kept.grants[2]) == (2, Grant(3, HOLDS))
    assert await rights.kept() == kept
    assert list(await rights.revisions()) == [(1, NOW, "first"), (2, NOW + 1, "second")]


async def what_is_granted_twice_is_granted_once(rights: Rights) -> None:
    await rights.change(Change(what="once", granted=(READS,)), now=NOW)
    kept = await rights.change(Change(what="twice", granted=(READS,)), now=NOW)
    assert [grant.terms for grant in kept.grants] == [READS]
    assert kept.revision == 2


async def what_is_revoked_is_gone_and_its_id_is_not_given_again(rights: Rights) -> None:
    kept = await rights.change(Change(what="granted", granted=(READS, HOLDS)), now=NOW)
    last = kept.grants[-1].id
    kept = await rights.change(Change(what="revoked", revoked=(last,)), now=NOW)
    assert [grant.terms for grant in kept.grants] == [READS]
    kept = await rights.change(Change(what="again", granted=(HOLDS,)), now=NOW)
    assert kept.grants[-1].id > last


async def a_role_that_is_dropped_takes_its_rules_and_its_holders_along(rights: Rights) -> None:
    await rights.change(Change(what="made", made=("reader", "other"), granted=(READS, HOLDS)), now=NOW)
    kept = await rights.change(Change(what="dropped", dropped=("reader",)), now=NOW)
    assert kept == Kept(2, ("other",), ())


async def a_role_that_is_made_anew_keeps_its_holders(rights: Rights) -> None:
    await rights.change(Change(what="made", made=("reader",), granted=(READS, HOLDS)), now=NOW)
    anew = Change(what="anew", dropped=("reader",), made=("reader",), granted=(DENIED,))
    kept = await rights.change(anew, now=NOW)
    assert kept.roles == ("reader",)
    assert [grant.terms for grant in kept.grants] == [HOLDS, DENIED]


CHECKS: tuple[Check, ...] = (
    what_is_changed_is_there_and_a_new_revision,
    what_is_granted_twice_is_granted_once,
    what_is_revoked_is_gone_and_its_id_is_not_given_again,
    a_role_that_is_dropped_takes_its_rules_and_its_holders_along,
    a_role_that_is_made_anew_keeps_its_holders,
)
