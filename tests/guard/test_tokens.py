"""A token counts with its issuer's signature, for this gateway, in time; nothing that resembles one does.

Covers what is read out of a token. Does not cover where its issuer's keys come from: tests/gateway/test_oidc.py does.
"""

from __future__ import annotations

import base64
import hmac
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from mads.guard import tokens as module
from mads.guard.credential import Unverified
from mads.guard.oidc import Oidc
from mads.guard.tokens import Tokens, UnknownKey
from mads.wire.call import Identity

COVERS = ("R-043",)

ISSUER, AUDIENCE = "https://login.example.org", "http://127.0.0.1:7337/mcp"
OIDC = Oidc(issuer=ISSUER, scopes={"openid": ("mads.dewey.*",), "notes": ("mads.scribe.*", "mads.dewey.*")}, skew=5)
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
OTHER = RSAKey.generate_key(2048, {"kid": "rsa"})


def reader(oidc: Oidc = OIDC) -> Tokens:
    tokens = Tokens(oidc, frozenset({AUDIENCE}))
    tokens.trust([RSA.as_dict(private=False), EC.as_dict(private=False)])
    return tokens


def claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ana", "exp": now + 60, "iat": now, "scope": "openid"} | more
    return {name: value for name, value in said.items() if value is not None}


def signed(said: dict[str, Any], key: Any = RSA, **header: Any) -> str:
    algorithm = {"RSA": "RS256", "EC": "ES256", "oct": "HS256"}[key.key_type]
    headers = {"alg": algorithm, "kid": key.kid} | header
    return jwt.encode(headers, said, key, algorithms=["RS256", "ES256", "HS256", "none"])


def coded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def refusal(token: str, tokens: Tokens | None = None) -> str:
    with pytest.raises(Unverified) as refused:
        (tokens or reader()).grant(token)
    return str(refused.value)


@pytest.mark.parametrize("key", [RSA, EC])
def test_a_good_token_says_who_it_is_for_and_what_it_may_ask_for(key: Any) -> None:
    token = signed(claims(scope="openid notes email", groups=["staff", "staff", 7, "ops"]), key)
    tokens = reader()
    grant = tokens.grant(token)
    assert grant.identity == Identity("ana", roles=("staff", "ops"), scopes=("mads.dewey.*", "mads.scribe.*"))
    assert tokens.grant(token) is grant
    assert token not in repr(grant)


def test_the_claims_that_say_who_may_be_others() -> None:
    oidc = Oidc(issuer=ISSUER, scopes=OIDC.scopes, audience=("app",), principal="email", groups="roles", tenant="org")
    said = claims(aud=["app", "other"], email="ana@example.org", roles="admin", org="acme", scope=None, scp=["notes"])
    assert reader(oidc).grant(signed(said)).identity == Identity(
        "ana@example.org", "acme", roles=("admin",), scopes=("mads.scribe.*", "mads.dewey.*")
    )
    assert "'email'" in refusal(signed(claims(aud="app")), reader(oidc))
    assert "'aud'" in refusal(signed(claims(email="x", org="y")), reader(oidc))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"iss": "https://evil.example"}, "'iss'"),
    ({"iss": ISSUER + "/"}, "'iss'"),
    ({"aud": "http://127.0.0.1:7338/mcp"}, "'aud'"),
    ({"aud": None}, "'aud'"),
    ({"aud": []}, "'aud'"),
    ({"exp": None}, "'exp'"),
    ({"exp": "never"}, "'exp'"),
    ({"exp": int(time.time()) - 6}, "expired"),
    ({"nbf": int(time.time()) + 3600}, "'nbf'"),
    ({"iat": int(time.time()) + 3600}, "'iat'"),
    ({"sub": None}, "'sub'"),
    ({"sub": "operator"}, "may not sign in"),
    ({"sub": "anonymous"}, "may not sign in"),
    ({"sub": "mad:scribe"}, "may not sign in"),
    ({"sub": "a\nb"}, "may not sign in"),
]


@pytest.mark.parametrize(("wrong", "told"), WRONG)
def test_a_token_that_is_not_for_here_and_now_is_refused(wrong: dict[str, Any], told: str) -> None:
    assert told in refusal(signed(claims(**wrong)))


def test_a_clock_may_differ_by_the_skew() -> None:
    assert reader().grant(signed(claims(exp=int(time.time()) - 2))).identity.principal == "ana"


def test_nobody_signs_but_the_issuer() -> None:
    said = claims()
    head, body, _ = signed(said).split(".")
    sharing = coded(b'{"alg": "HS256", "kid": "rsa"}')
    shared = f"{sharing}.{body}"
    forged = coded(hmac.digest(RSA.as_pem(private=False), shared.encode(), "sha256"))
    unsigned = coded(b'{"alg": "none"}')
    for token in (signed(said, OTHER), f"{unsigned}.{body}.", f"{head}.{body}.", f"{shared}.{forged}"):
        assert refusal(token)
    with pytest.raises(UnknownKey):
        reader().grant(signed(said, RSA, kid="another"))


def test_a_key_that_is_shared_or_for_other_uses_is_not_trusted() -> None:
    secret = OctKey.generate_key(256, {"kid": "oct"})
    tokens = Tokens(OIDC, frozenset({AUDIENCE}))
    tokens.trust([secret.as_dict(private=True), RSA.as_dict(private=False) | {"use": "enc"}, {"kty": "RSA"}, 7, None])
    assert refusal(signed(claims(), secret), tokens)
    assert refusal(signed(claims()), tokens)


def test_what_was_verified_by_a_key_that_is_withdrawn_counts_no_more() -> None:
    tokens, token = reader(), signed(claims())
    assert tokens.grant(token)
    tokens.trust([EC.as_dict(private=False)])
    with pytest.raises(UnknownKey):
        tokens.grant(token)


def test_a_remembered_token_expires_and_many_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    tokens = reader()
    first = signed(claims())
    known = tokens.grant(first)
    grants = [tokens.grant(signed(claims(sub=f"ana{number}"))) for number in range(4)]
    assert tokens.grant(first) is not known
    token = signed(claims())
    assert tokens.grant(token)
    later = time.time() + 100
    monkeypatch.setattr(time, "time", lambda: later)
    assert "expired" in refusal(token, tokens)
    assert len({grant.owner for grant in grants}) == 4


def test_a_token_for_ages_is_no_number_too_large() -> None:
    assert reader().grant(signed(claims(exp=10**400))).expires is not None


@given(st.text(max_size=200) | st.binary(max_size=90).map(lambda some: coded(some) + ".e30.x"))
def test_nothing_else_is_a_token(text: str) -> None:
    assert refusal(text)


@given(st.dictionaries(st.sampled_from([*claims(), "nbf", "scp", "groups", "jti"]), st.none() | st.integers() | st.text(
    max_size=5) | st.lists(st.integers() | st.text(max_size=3), max_size=3) | st.floats()))  # fmt: skip
def test_no_claims_break_the_reader(said: dict[str, Any]) -> None:
    with suppress(Unverified):
        reader().grant(signed(claims(**said)))
