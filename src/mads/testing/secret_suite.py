"""What every store of secrets must hold: `CHECKS`, each of which gets three empty stores that belong together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec import Struct
from msgspec.structs import replace

from mads.store.secrets.port import Envelope, Envelopes, Grant, Grants, Lease, SealKey, SealKeys
from mads.wire.errors import StoreError

NOW = 1_800_000_000_000
DAY = 86_400_000


class Stores(Struct, frozen=True):
    """The envelopes, the keys that they are under, and who may use them."""

    secrets: Envelopes
    keys: SealKeys
    grants: Grants


Check = Callable[[Stores], Awaitable[None]]
"""A promise as a test."""

FIRST = Envelope(
    tenant="acme",
    path="github/token",
    version=1,
    sealed=1,
    wrapped=b"\0key",
    body=b"\xffbody",
    made=NOW,
    expires=NOW + DAY,
    hosts=("api.github.com", "*.example.org"),
    marks=b"\0\1",
)
NEWEST = ("acme", "github/token", None)


async def what_is_added_is_found_by_version_and_as_the_newest(it: Stores) -> None:
    assert await it.secrets.add(FIRST, ends=NOW, now=NOW)
    second = replace(FIRST, version=2, body=b"2", expires=None, hosts=())
    assert await it.secrets.add(second, ends=NOW + 5, now=NOW)
    found = await it.secrets.find((NEWEST, ("acme", "github/token", 1), ("globex", "github/token", None)))
    assert list(found) == [second, replace(FIRST, ends=NOW + 5), None]


async def only_the_next_version_is_added(it: Stores) -> None:
    assert not await it.secrets.add(replace(FIRST, version=2), ends=NOW, now=NOW)
    assert await it.secrets.add(FIRST, ends=NOW, now=NOW)
    assert not await it.secrets.add(FIRST, ends=NOW, now=NOW)
    assert list(await it.secrets.find((NEWEST,))) == [FIRST]


async def of_those_who_write_one_version_at_once_one_does(it: Stores) -> None:
    drafts = [replace(FIRST, body=bytes([number])) for number in range(8)]
    added = await asyncio.gather(*(it.secrets.add(draft, ends=NOW, now=NOW) for draft in drafts))
    assert sum(added) == 1
    assert list(await it.secrets.find((NEWEST,))) == [drafts[added.index(True)]]


async def what_has_ended_is_forgotten_when_the_next_is_written(it: Stores) -> None:
    for version, now in ((1, NOW), (2, NOW), (3, NOW + 10)):
        assert await it.secrets.add(replace(FIRST, version=version), ends=now + 5, now=now)
    first, second = await it.secrets.find((("acme", "github/token", 1), ("acme", "github/token", 2)))
    assert first is None
    assert second is not None
    assert second.ends == NOW + 15


async def an_end_that_is_near_is_not_put_off(it: Stores) -> None:
    await it.secrets.add(replace(FIRST, ends=NOW + 1), ends=NOW, now=NOW)
    await it.secrets.add(replace(FIRST, version=2), ends=NOW + 5, now=NOW)
    (first,) = await it.secrets.find((("acme", "github/token", 1),))
    assert first is not None
    assert first.ends == NOW + 1


async def the_list_is_of_the_newest_without_what_is_in_them(it: Stores) -> None:
    other = replace(FIRST, tenant="globex", path="a")
    for envelope in (other, FIRST, replace(FIRST, version=2)):
        await it.secrets.add(envelope, ends=NOW, now=NOW)
    bare = {"wrapped": b"", "body": b""}
    assert list(await it.secrets.listed()) == [replace(FIRST, version=2, **bare), replace(other, **bare)]


async def the_list_with_the_older_is_of_each_that_is_kept(it: Stores) -> None:
    for envelope in (FIRST, replace(FIRST, version=2)):
        await it.secrets.add(envelope, ends=NOW + 1, now=NOW)
    listed = await it.secrets.listed(older=True)
    assert [(one.version, one.ends, one.wrapped, one.body) for one in listed] == [
        (1, NOW + 1, b"", b""),
        (2, None, b"", b""),
    ]


async def what_is_dropped_is_no_longer_there_and_its_number_stays(it: Stores) -> None:
    await it.secrets.add(FIRST, ends=NOW, now=NOW)
    await it.secrets.add(replace(FIRST, version=2), ends=NOW + DAY, now=NOW)
    assert await it.secrets.drop("acme", "github/token", now=NOW)
    assert not await it.secrets.drop("acme", "github/token", now=NOW)
    assert not await it.secrets.drop("acme", "another", now=NOW)
    first, newest = await it.secrets.find((("acme", "github/token", 1), NEWEST))
    assert first is None
    assert newest is not None
    assert (newest.version, newest.wrapped, newest.body, newest.marks) == (2, b"", b"", b"")
    assert list(await it.secrets.listed()) == []
    assert await it.secrets.add(replace(FIRST, version=3), ends=NOW, now=NOW)


async def what_is_taken_is_given_to_one(it: Stores) -> None:
    await it.secrets.add(FIRST, ends=NOW, now=NOW)
    taken = await asyncio.gather(*(it.secrets.take("acme", "github/token") for _ in range(4)))
    assert sorted(taken, key=bool) == [None, None, None, FIRST]
    assert await it.secrets.add(FIRST, ends=NOW, now=NOW)


async def data_keys_are_wrapped_anew_a_part_at_a_time(it: Stores) -> None:
    for number in range(5):
        await it.secrets.add(replace(FIRST, path=f"p{number}", body=bytes([number])), ends=NOW, now=NOW)
    await it.secrets.drop("acme", "p4", now=NOW)

    def wrap(envelope: Envelope) -> bytes:
        return b"new" + envelope.body

    counts = [await it.secrets.rewrap(2, wrap, 3) for _ in range(3)]
    found = await it.secrets.find([("acme", f"p{number}", None) for number in range(5)])
    assert counts == [3, 2, 0]
    assert [one and (one.sealed, one.wrapped) for one in found] == [
        *((2, b"new" + bytes([number])) for number in range(4)),
        (2, b""),
    ]


async def a_key_stays_as_long_as_something_is_under_it(it: Stores) -> None:
    key = await it.keys.put(SealKey(id=0, wrapped=b"\0", salt=b"", device=b"d", made=NOW))
    await it.secrets.add(replace(FIRST, sealed=key.id), ends=NOW, now=NOW)
    with pytest.raises(StoreError, match="it stays"):
        await it.keys.drop(key.id)
    other = await it.keys.put(SealKey(id=0, wrapped=b"2", salt=b"s", device=b"", made=NOW))
    changed = await it.keys.put(replace(key, wrapped=b"3"))
    assert list(await it.keys.keys()) == [changed, other]
    await it.secrets.rewrap(other.id, lambda _: b"", 9)
    await it.keys.drop(key.id)
    assert list(await it.keys.keys()) == [other]


async def a_grant_is_there_until_it_is_revoked_and_once(it: Stores) -> None:
    grant = Grant(tenant="acme", mad="marco", pattern="github/*")
    await it.grants.grant(grant)
    await it.grants.grant(replace(grant, lease=60_000))
    await it.grants.grant(replace(grant, mad="fiedler"))
    assert list(await it.grants.grants()) == [replace(grant, mad="fiedler"), replace(grant, lease=60_000)]
    assert await it.grants.revoke("acme", "marco", "github/*")
    assert not await it.grants.revoke("acme", "marco", "github/*")
    assert list(await it.grants.grants()) == [replace(grant, mad="fiedler")]


async def a_lease_is_there_until_it_is_over_and_its_number_never_another_s(it: Stores) -> None:
    lease = Lease(id=0, tenant="acme", mad="marco", path="github/token", until=NOW + 5)
    first = await it.grants.lend(lease, now=NOW)
    assert await it.grants.lease(first.id) == replace(lease, id=first.id)
    second = await it.grants.lend(replace(lease, until=NOW + 20), now=NOW + 10)
    assert await it.grants.lease(first.id) is None
    assert second.id > first.id


CHECKS: tuple[Check, ...] = (
    what_is_added_is_found_by_version_and_as_the_newest,
    only_the_next_version_is_added,
    of_those_who_write_one_version_at_once_one_does,
    what_has_ended_is_forgotten_when_the_next_is_written,
    an_end_that_is_near_is_not_put_off,
    the_list_is_of_the_newest_without_what_is_in_them,
    the_list_with_the_older_is_of_each_that_is_kept,
    what_is_dropped_is_no_longer_there_and_its_number_stays,
    what_is_taken_is_given_to_one,
    data_keys_are_wrapped_anew_a_part_at_a_time,
    a_key_stays_as_long_as_something_is_under_it,
    a_grant_is_there_until_it_is_revoked_and_once,
    a_lease_is_there_until_it_is_over_and_its_number_never_another_s,
)
