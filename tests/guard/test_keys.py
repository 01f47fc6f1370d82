"""An API key opens what it is for, while it is good; nothing that resembles one opens anything.

Covers the ring of keys and scopes. Does not cover how a key comes in: tests/gateway/test_signin.py does.
"""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mads.guard import keys, scopes
from mads.guard.credential import Grant, Unverified
from mads.guard.keys import KeyRing, new_secret, written
from mads.store.keys.port import Key, Terms
from mads.wire.errors import UsageError

COVERS = ("R-043",)

NOW, DAY = int(time.time() * 1000), 86_400_000
TERMS = Terms(principal="ci", tenant="acme", roles=("builder",), scopes=("mads.scribe.*",), made=NOW, expires=None)
SECRET, DIGEST = new_secret()
KEY = Key(id=12, digest=DIGEST, terms=TERMS)
WRITTEN = written(12, SECRET)


def ring(*known: Key) -> KeyRing:
    made = KeyRing()
    for key in known:
        made.put(key)
    return made


def refusal(of: KeyRing, text: str) -> str:
    with pytest.raises(Unverified) as refused:
        of.grant(text)
    return str(refused.value)


def test_a_key_says_what_it_is_and_which() -> None:
    assert re.fullmatch(r"mads_12_[0-9A-Za-z]{49}", WRITTEN)
    assert SECRET not in repr(KEY)
    assert SECRET.encode() not in DIGEST
    assert new_secret()[0] != SECRET


def test_a_key_grants_what_it_was_made_for() -> None:
    grant = ring(KEY).grant(WRITTEN)
    identity = grant.identity
    assert (identity.principal, identity.tenant, identity.roles) == ("ci", "acme", ("builder",))
    assert identity.scopes == ("mads.scribe.*",)
    assert grant.owner == "key:12"
    assert ring(KEY).grant(WRITTEN) == grant


def test_one_that_is_not_known_expired_or_was_revoked_grants_nothing() -> None:
    expired = replace(KEY, terms=replace(TERMS, expires=NOW - 1))
    assert "not known" in refusal(ring(), WRITTEN)
    assert "not known" in refusal(ring(KEY), written(13, SECRET))
    assert "not known" in refusal(ring(KEY), written(12, new_secret()[0]))
    assert "has expired" in refusal(ring(expired), WRITTEN)
    assert "was revoked" in refusal(ring(replace(KEY, revoked=NOW)), WRITTEN)


def test_who_does_not_hold_the_secret_learns_nothing_of_the_key() -> None:
    guessed = written(12, new_secret()[0])
    states = [ring(), ring(KEY), ring(replace(KEY, revoked=NOW)), ring(replace(KEY, terms=replace(TERMS, expires=1)))]
    assert len({refusal(each, guessed) for each in states}) == 1


def test_a_mistyped_key_is_told_from_an_unknown_one() -> None:
    for at in (8, 50, 51, 56):
        changed = WRITTEN[:at] + ("x" if WRITTEN[at] != "x" else "y") + WRITTEN[at + 1 :]
        assert "mistyped" in refusal(ring(KEY), changed)
    assert "was it cut" in refusal(ring(KEY), WRITTEN[:-1])


@given(st.text(max_size=80).map(lambda text: keys.PREFIX + text) | st.from_regex(keys.FORM, fullmatch=True))
def test_nothing_else_is_a_key(text: str) -> None:
    assert refusal(ring(KEY), text)


def test_what_changes_counts_at_once_and_those_who_watch_are_told() -> None:
    made, told = ring(KEY), list[tuple[str, float]]()
    made.watch(lambda owner, at: told.append((owner, at)))
    assert isinstance(made.grant(WRITTEN), Grant)
    made.put(replace(KEY, terms=replace(TERMS, expires=NOW + DAY)))
    assert made.grant(WRITTEN).expires == (NOW + DAY) / 1000
    made.put(replace(KEY, revoked=NOW))
    assert "was revoked" in refusal(made, WRITTEN)
    made.put(replace(KEY, id=13))
    assert [owner for owner, _ in told] == ["key:12", "key:12"]
    assert told[0][1] == (NOW + DAY) / 1000
    assert told[1][1] <= time.time()


@pytest.mark.parametrize(
    ("scope", "fits", "others"),
    [
        ("mads.scribe.write", ["mads.scribe.write"], ["mads.scribe.recall", "mads.scriber.write"]),
        ("mads.scribe.*", ["mads.scribe.write", "mads.scribe.recall"], ["mads.dewey.search"]),
        ("mads.*.search", ["mads.dewey.search"], ["mads.dewey.chat"]),
        ("mads.>", ["mads.scribe.write", "mads.steward.key_new"], []),
    ],
)
def test_a_scope_fits_the_tools_of_its_pattern(scope: str, fits: list[str], others: list[str]) -> None:
    scopes.check([scope])
    assert all(scopes.permits((scope,), name, read_only=False) for name in fits)
    assert not any(scopes.permits((scope,), name, read_only=True) for name in others)


def test_a_read_only_scope_fits_what_says_that_it_changes_nothing() -> None:
    some = ("mads.scribe.*:read_only", "mads.dewey.search")
    assert scopes.permits(some, "mads.scribe.recall", read_only=True)
    assert not scopes.permits(some, "mads.scribe.write", read_only=False)
    assert scopes.permits(some, "mads.dewey.search", read_only=False)
    assert not scopes.permits((), "mads.scribe.recall", read_only=True)


@pytest.mark.parametrize("scope", ["", "*", ">", "scribe.*", "mads.", "mads..x", "mads.>.x", "mads.x:write", "mads. x"])
def test_what_is_no_scope_is_refused_with_what_to_write(scope: str) -> None:
    with pytest.raises(UsageError, match="write"):
        scopes.check([scope])
