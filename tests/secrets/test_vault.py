"""Handles and what is behind them: who may, where to, for how long; and what knows a secret when it sees it.

Covers the vault over stores in memory. Does not cover how it is asked: tests/behaviour/test_secrets.py does.
"""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads.secrets.marks import Marker, forms
from mads.secrets.paths import check_host, check_path, check_pattern, fits, reaches
from mads.secrets.safe import About
from mads.secrets.vault import StoredVault
from mads.store.secrets.port import Grant
from mads.wire.errors import Denied, InvalidMessage
from mads.wire.secret import SecretRef
from tests.secrets.safehouse import Safehouse

COVERS = ("R-051", "R-077", "R-092", "R-094")

WHO = {"principal": "ana", "tenant": "acme"}
TO = {"mad": "marco", "host": "api.github.com:443", **WHO}
PLAIN = About(hosts=("api.github.com",))


async def granted(it: Safehouse, lease: int | None = None) -> StoredVault:
    """Return a vault with one secret, granted to marco."""
    vault = await it.opened()
    await it.safe.put("acme", "github/token", b"s3cret-s3cret", PLAIN)
    await it.permits.grant(Grant(tenant="acme", mad="marco", pattern="github/*", lease=lease))
    return vault


async def test_a_handle_is_resolved_within_its_shape_and_that_is_noted() -> None:
    it = Safehouse()
    vault = await granted(it)
    ref = await vault.handle("github/token", None, mad="marco", **WHO)

    assert ref == SecretRef("github/token")
    assert await vault.resolve(ref.shaped("Bearer {}"), **TO) == b"Bearer s3cret-s3cret"
    assert [(access.rule, access.allowed, access.mad, access.principal) for access in it.noted] == [
        ("a handle", True, "marco", "ana"),
        ("used for api.github.com:443", True, "marco", "ana"),
    ]


async def test_what_cannot_be_noted_is_not_answered() -> None:
    it = Safehouse()
    vault = await granted(it)

    async def broken(_: object) -> None:
        raise OSError("the disk is full")

    refusing = StoredVault(it.safe, it.permits, broken)
    for asked in (
        refusing.resolve(SecretRef("github/token"), **TO),
        refusing.handle("github/token", None, mad="marco", **WHO),
    ):
        with pytest.raises(OSError, match="full"):
            await asked
    assert await vault.resolve(SecretRef("github/token"), **TO)


@pytest.mark.parametrize(
    ("ref", "change", "why"),
    [
        (SecretRef("github/token"), {"mad": "fiedler"}, "mads secret grant fiedler github/token"),
        (SecretRef("github/token"), {"tenant": "globex"}, "--tenant globex"),
        (SecretRef("gitlab/token"), {}, "mads secret grant marco gitlab/token"),
        (SecretRef("github/token"), {"host": "evil.org:443"}, "may not go to 'evil.org:443', but to api.github.com"),
        (SecretRef("github/token"), {"host": "api.github.com.evil.org:443"}, "may not go to"),
    ],
)
async def test_what_is_not_granted_is_denied_and_noted(ref: SecretRef, change: dict[str, str], why: str) -> None:
    it = Safehouse()
    vault = await granted(it)
    with pytest.raises(Denied, match=why):
        await vault.resolve(ref, **TO | change)
    assert [access.allowed for access in it.noted] == [False]
    assert "s3cret" not in repr(it.noted)


@pytest.mark.parametrize(
    "ref", [SecretRef("github/none"), SecretRef("github/token", 7), SecretRef("~marks"), SecretRef("../x")]
)
async def test_what_is_not_there_is_said_to_be_missing(ref: SecretRef) -> None:
    it = Safehouse()
    vault = await granted(it)
    await it.permits.grant(Grant(tenant="acme", mad="marco", pattern="*"))
    with pytest.raises(InvalidMessage):
        await vault.resolve(ref, **TO)


async def test_a_lease_ends_and_a_new_handle_does_not_revive_the_old_one() -> None:
    it = Safehouse()
    vault = await granted(it, lease=1000)
    with pytest.raises(Denied, match="ask for a new handle"):
        await vault.resolve(SecretRef("github/token"), **TO)
    old = await vault.handle("github/token", None, mad="marco", **WHO)
    assert await vault.resolve(old, **TO)
    it.now += 1000
    new = await vault.handle("github/token", None, mad="marco", **WHO)
    with pytest.raises(Denied, match="is over"):
        await vault.resolve(old, **TO)
    vault = await it.opened()
    assert await vault.resolve(new, **TO)
    await it.permits.revoke("acme", "marco", "github/*")
    with pytest.raises(Denied, match="was not granted"):
        await vault.resolve(new, **TO)


async def test_a_lease_is_good_for_its_own_secret_and_mad() -> None:
    it = Safehouse()
    vault = await granted(it, lease=1000)
    await it.safe.put("acme", "github/other", b"0ther-0ther", PLAIN)
    await it.permits.grant(Grant(tenant="acme", mad="fiedler", pattern="*", lease=1000))
    lent = await vault.handle("github/token", None, mad="marco", **WHO)
    with pytest.raises(Denied, match="is over"):
        await vault.resolve(SecretRef("github/other", lease=lent.lease), **TO)
    with pytest.raises(Denied, match="is over"):
        await vault.resolve(lent, **TO | {"mad": "fiedler"})


@pytest.mark.parametrize(
    ("pattern", "path", "fitting"),
    [
        ("a/b", "a/b", True),
        ("a/*", "a/b/c", True),
        ("a/*", "ab", False),
        ("a/*", "a", False),
        ("a", "a/b", False),
        ("*", "a/b", True),
    ],
)
def test_a_pattern_means_paths(pattern: str, path: str, *, fitting: bool) -> None:
    assert fits(pattern, path) is fitting


@pytest.mark.parametrize(
    ("allowed", "host", "reached"),
    [
        ("a.org", "a.org:443", True),
        ("a.org:8443", "a.org:8443", True),
        ("a.org:8443", "a.org:443", False),
        ("*.a.org", "b.a.org:443", True),
        ("*.a.org", "a.org:443", False),
        ("*.a.org", "ba.org:443", False),
        ("*.a.org:8443", "b.a.org:8443", True),
        ("*.a.org:8443", "b.a.org:443", False),
        ("127.0.0.1:80", "127.0.0.1:80", True),
        ("[::1]:80", "[::1]:80", True),
        ("[::1]", "[::1]:80", True),
        ("process", "process", True),
    ],
)
def test_a_secret_reaches_hosts(allowed: str, host: str, *, reached: bool) -> None:
    check_host(allowed)
    assert reaches(allowed, host) is reached


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", "a b", "~x", ".", "a/..", "a|b", "ü", "a" * 201, "a\n"])
def test_what_can_be_no_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidMessage, match="github/token"):
        check_path(path)
    with pytest.raises(InvalidMessage):
        check_pattern(path)


@pytest.mark.parametrize(
    "host", ["", "*", "a b", "http://a.org", "a.org/x", "*.*.org", "A.org", "a.org:", "a.org:0", "a.org:65536"]
)
def test_what_can_be_no_host_is_refused(host: str) -> None:
    with pytest.raises(InvalidMessage, match="is no host"):
        check_host(host)


@given(st.binary(min_size=8, max_size=60), st.binary(max_size=40), st.binary(max_size=40))
def test_a_secret_is_known_in_every_common_form(value: bytes, before: bytes, after: bytes) -> None:
    marker = Marker(bytes(32))
    known = marker.known([("it", marker.marks(value))])
    for form in (value, value.hex().encode(), quote(value, safe="").encode()):
        assert known.found(before + form + after) == ["it"]
    if len(value) > 9:  # what is shorter has fewer than 8 letters that are the same whatever stands around it
        assert known.found(base64.b64encode(before + value + after)) == ["it"]
        assert known.found(base64.urlsafe_b64encode(before + value + after)) == ["it"]


@given(st.text(min_size=8, max_size=40))
def test_a_secret_is_known_within_json(value: str) -> None:
    marker = Marker(bytes(32))
    known = marker.known([("it", marker.marks(value.encode()))])
    assert known.found(json.dumps({"a": value}).encode()) == ["it"]


@given(st.binary(min_size=8, max_size=60), st.binary(max_size=200))
def test_nothing_else_is_taken_for_a_secret(value: bytes, text: bytes) -> None:
    marker = Marker(bytes(32))
    marks = marker.marks(value)
    assert bool(marker.known([("it", marks)]).found(text)) == any(form in text for form in forms(value))
    assert value not in marks


async def test_the_vault_knows_the_secrets_that_there_are() -> None:
    it = Safehouse()
    vault = await it.opened()
    marks = (await vault.marker()).marks(b"s3cret-s3cret")
    await it.safe.put("acme", "github/token", b"s3cret-s3cret", About(marks=marks))

    assert (await vault.fingerprints()).found(b"x=s3cret-s3cret;") == ["acme:github/token"]
    assert (await vault.fingerprints()).found(b"x=s3cret;") == []


async def test_a_secret_that_was_replaced_is_known_while_it_is_good() -> None:
    it = Safehouse()
    vault = await it.opened()
    marker = await vault.marker()
    await it.safe.put("acme", "a", b"s3cret-before", About(marks=marker.marks(b"s3cret-before")))
    await it.safe.put("acme", "a", b"other-after-1", About(marks=marker.marks(b"other-after-1")), grace=60_000)

    assert (await vault.fingerprints()).found(b"x=s3cret-before;") == ["acme:a"]
    assert (await vault.fingerprints()).found(b"x=other-after-1;") == ["acme:a"]
