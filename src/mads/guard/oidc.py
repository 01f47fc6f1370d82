"""The table `[gateway.oidc]` of `mads.toml`: whose tokens are taken, and how they are read."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct

from mads.guard import scopes
from mads.guard.scopes import EVERYTHING
from mads.wire.errors import UsageError

_SAFE = re.compile(r"https://[^/]|http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?(/|$)")
_SCOPE = re.compile(r"[!#-\[\]-~]{1,128}")

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"
]  # fmt: skip
"""How a token may be signed: with a private key only. What is shared, and `none`, is no signature here."""


class Oidc(Struct, frozen=True, forbid_unknown_fields=True):
    """The provider whose tokens are taken, and how they are read.

    `scopes` says what each scope of a token may be used to ask for; the first is what clients are told to begin with.
    `audience` is who a token must be meant for; nothing is the gateway's own address. `principal`, `groups` and
    `tenant` name claims; without the last everybody is of the tenant `default`. `skew` is in seconds.
    """

    issuer: str
    scopes: dict[str, tuple[str, ...]]
    audience: tuple[str, ...] = ()
    algorithms: Annotated[tuple[Algorithm, ...], Meta(min_length=1)] = ("RS256", "PS256", "ES256", "Ed25519")
    principal: str = "sub"
    groups: str = "groups"
    tenant: str | None = None
    skew: Annotated[float, Meta(ge=0, le=300)] = 60.0

    def mistakes(self) -> list[tuple[str, str]]:
        """Return what is wrong with what the fields say, each under its field's name."""
        wrong: list[tuple[str, str]] = []
        if not is_safe(self.issuer):
            wrong.append(("issuer", f"{self.issuer!r} is no https:// address; http:// is for this machine only"))
        if not self.scopes:
            wrong.append(("scopes", f'lets nobody do anything; write {{ openid = ["{EVERYTHING}"] }}'))
        for scope, given in self.scopes.items():
            try:
                scopes.check(given)
            except UsageError as error:
                wrong.append(("scopes", str(error)))
            if not _SCOPE.fullmatch(scope):
                wrong.append(("scopes", f"{scope!r} is no scope of a token; it has visible ASCII signs without quotes"))
        return wrong


def is_safe(url: str) -> bool:
    """Return whether nobody on the way to `url` can change what comes from there."""
    return _SAFE.match(url) is not None
