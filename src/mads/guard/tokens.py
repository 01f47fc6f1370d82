"""Tokens of an OpenID Connect provider: what must be true of one, and whom it stands for.

What is verified is remembered until it expires, since that costs a hundred times as much as to look it up.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, cast

from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import Key, KeySet, import_key
from joserfc.jws import JWSRegistry

from mads.guard import scopes
from mads.guard.credential import Grant, Unverified, check_name, check_principal
from mads.guard.oidc import Oidc
from mads.wire.call import Identity
from mads.wire.errors import UsageError

REMEMBERED = 4096
"""How many verified tokens are remembered; the one that was verified first goes first."""

FOR_EVER = 10 * 365 * 86400
"""The seconds after which a token is verified again that says it is good for longer."""

ROLES = 256
"""How many groups of a token become roles."""


class UnknownKey(Unverified):
    """The provider has, as far as is known here, no such key."""


class Tokens:
    """Reads tokens as `oidc` says; `audience` is whom they must be meant for."""

    def __init__(self, oidc: Oidc, audience: frozenset[str]) -> None:
        self._oidc = oidc
        self._audience = frozenset(oidc.audience) or audience
        self._registry = JWSRegistry(algorithms=oidc.algorithms, strict_check_header=False)
        self._keys = KeySet([])
        self._verified: dict[bytes, Grant] = {}

    def trust(self, keys: Sequence[Any]) -> None:
        """Take tokens from now on that were signed by one of `keys`, each a JWK, and by no other."""
        trusted = KeySet([key for each in keys if (key := _public(each)) is not None])
        if trusted.as_dict() != self._keys.as_dict():
            self._keys = trusted
            self._verified.clear()

    def grant(self, token: str) -> Grant:
        """Return what `token` grants.

        Raises `Unverified` where it shows nothing, and that as `UnknownKey` where newer keys might show more.
        """
        digest = sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is not None and known.expires is not None and known.expires > time.time():
            return known
        self._verified.pop(digest, None)
        granted = self._granted(self._claims(token))
        if len(self._verified) >= REMEMBERED:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = granted
        return granted

    def scope_for(self, name: str, *, read_only: bool) -> str | None:
        """Return the scope that a token needs for the tool of that canonical name; None where there is none."""
        fit = (each for each, given in self._oidc.scopes.items() if scopes.permits(given, name, read_only=read_only))
        return next(fit, None)

    def _claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that was signed by the issuer, for us, and is valid now."""
        try:
            read = jwt.decode(token, self._keys, registry=self._registry)
            jwt.JWTClaimsRegistry(
                leeway=int(self._oidc.skew),
                iss={"essential": True, "value": self._oidc.issuer},
                aud={"essential": True, "values": [*self._audience]},
                exp={"essential": True},
            ).validate(read.claims)
        except InvalidKeyIdError:
            raise UnknownKey("the token was signed by a key that its issuer does not show") from None
        except ExpiredTokenError:
            raise Unverified("the token has expired") from None
        except ClaimError as error:
            raise Unverified(f"the token is not for here: {error.claim!r} is not as it must be") from None
        except JoseError:
            raise Unverified("the token is not signed as it must be") from None
        except Exception:  # noqa: BLE001  whatever a stranger's bytes do to a parser, they are no token
            raise Unverified("the token is not written as one") from None
        return read.claims

    def _granted(self, claims: dict[str, Any]) -> Grant:
        oidc = self._oidc
        principal, tenant = claims.get(oidc.principal), claims.get(oidc.tenant) if oidc.tenant else "default"
        if not isinstance(principal, str) or not isinstance(tenant, str):
            raise Unverified(f"the token does not say who it is for: it needs {oidc.principal!r}")
        try:
            check_principal(principal)
            check_name("the tenant", tenant)
        except UsageError:
            raise Unverified("the token is for somebody who may not sign in") from None
        may = dict.fromkeys(each for scope in _words(claims) for each in oidc.scopes.get(scope, ()))
        identity = Identity(principal, tenant, roles=_roles(claims.get(oidc.groups)), scopes=tuple(may))
        ends = min(claims["exp"], time.time() + FOR_EVER) + oidc.skew
        return Grant(identity, f"{oidc.issuer} {claims.get('sub', principal)}", ends)


def _public(key: Any) -> Key | None:
    """Return a JWK as a key; None where it shows no signature, as a shared secret never does, or nobody can read it."""
    said = cast("dict[str, Any]", key) if isinstance(key, dict) else {}
    if said.get("kty") not in ("RSA", "EC", "OKP") or said.get("use", "sig") != "sig":
        return None
    try:
        return import_key(said)
    except (JoseError, ValueError, TypeError):
        return None


def _words(claims: dict[str, Any]) -> list[str]:
    """Return the scopes of a token: `scope` is a text (RFC 9068), and `scp` a list with some providers."""
    said = claims.get("scope", claims.get("scp", ""))
    return said.split() if isinstance(said, str) else _texts(said)


def _roles(said: Any) -> tuple[str, ...]:
    named = [said] if isinstance(said, str) else _texts(said)
    return tuple(dict.fromkeys(role for role in named[:ROLES] if role.isprintable()))


def _texts(said: Any) -> list[str]:
    listed = cast("Sequence[Any]", said) if isinstance(said, list) else ()
    return [each for each in listed if isinstance(each, str)]
