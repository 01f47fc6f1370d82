"""What every store of API keys must hold: `CHECKS`, each of which gets an empty store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from mads.store.keys.port import Keys, Terms
from mads.wire.errors import StoreError

Check = Callable[[Keys], Awaitable[None]]
"""A promise as a test."""

NOW = 1_800_000_000_000
DAY = 86_400_000

TERMS = Terms(
    principal="ci",
    tenant="acme",
    roles=("builder", "naïve ✓"),
    scopes=("mads.scribe.*", "mads.dewey.search:read_only"),
    made=NOW,
    expires=NOW + 90 * DAY,
)


def digest(number: int) -> bytes:
    """Return a digest of its own for each number."""
    return bytes([0, number]) * 16


async def what_is_added_is_there_as_it_was_said(keys: Keys) -> None:
    for_ever = msgspec.structs.replace(TERMS, expires=None, roles=(), scopes=())
    first, second = await keys.add(digest(1), TERMS), await keys.add(digest(2), for_ever)
    assert first.id < second.id
    assert (first.digest, first.terms, first.revoked, first.replaces) == (digest(1), TERMS, None, None)
    assert second.terms == for_ever
    assert list(await keys.all()) == [first, second]


async def two_keys_never_have_one_digest(keys: Keys) -> None:
    key = await keys.add(digest(1), TERMS)
    with pytest.raises(StoreError):
        await keys.add(digest(1), TERMS)
    with pytest.raises(StoreError):
        await keys.replace(key.id, digest(1), TERMS, until=NOW)
    assert list(await keys.all()) == [key]


async def what_is_added_at_once_is_all_there(keys: Keys) -> None:
    added = await asyncio.gather(*(keys.add(digest(number), TERMS) for number in range(100)))
    assert list(await keys.all()) == sorted(added, key=lambda key: key.id)
    assert len({key.id for key in added}) == 100


async def a_revoked_key_stays_and_is_revoked_once(keys: Keys) -> None:
    key = await keys.add(digest(1), TERMS)
    revoked = await keys.revoke(key.id, now=NOW + 1)
    assert revoked == msgspec.structs.replace(key, revoked=NOW + 1)
    assert await keys.revoke(key.id, now=NOW + 2) is None
    assert await keys.revoke(key.id + 1, now=NOW + 2) is None
    assert list(await keys.all()) == [revoked]
    assert (await keys.add(digest(2), TERMS)).id > key.id


async def a_replaced_key_ends_when_it_is_told_or_when_it_would_have(keys: Keys) -> None:
    for_ever = msgspec.structs.replace(TERMS, expires=None)
    for number, (terms, until) in enumerate([(TERMS, NOW + DAY), (TERMS, NOW + 365 * DAY), (for_ever, NOW + DAY)]):
        key = await keys.add(digest(2 * number), terms)
        replaced = await keys.replace(key.id, digest(2 * number + 1), terms, until=until)
        assert replaced is not None
        old, new = replaced
        assert old.terms.expires == min(until, terms.expires or until)
        assert (new.replaces, new.terms, new.digest) == (key.id, terms, digest(2 * number + 1))
        assert list(await keys.all())[-2:] == [old, new]


async def what_is_not_there_or_was_revoked_is_not_replaced(keys: Keys) -> None:
    key = await keys.add(digest(1), TERMS)
    revoked = await keys.revoke(key.id, now=NOW)
    assert await keys.replace(key.id, digest(2), TERMS, until=NOW) is None
    assert await keys.replace(key.id + 1, digest(2), TERMS, until=NOW) is None
    assert list(await keys.all()) == [revoked]


CHECKS: tuple[Check, ...] = (
    what_is_added_is_there_as_it_was_said,
    two_keys_never_have_one_digest,
    what_is_added_at_once_is_all_there,
    a_revoked_key_stays_and_is_revoked_once,
    a_replaced_key_ends_when_it_is_told_or_when_it_would_have,
    what_is_not_there_or_was_revoked_is_not_replaced,
)
