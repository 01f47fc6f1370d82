"""Who knocks: the credential in the head of a request, what it grants, and what a client is told that has none.

The gateway is a resource server of OAuth 2.1: it says where tokens come from (RFC 9728), takes those that are meant for
it (RFC 8707), and says which scope is missing. No token goes any further than here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import msgspec

from mads.gateway.issuer import Issuer
from mads.guard import principals
from mads.guard.credential import Grant, Unverified
from mads.guard.keys import PREFIX, KeyRing
from mads.guard.oidc import Oidc
from mads.guard.scopes import permits
from mads.guard.tokens import Tokens
from mads.wire.tools import ToolInfo

MAX_CREDENTIAL = 8192
"""How many bytes a credential may have."""

METADATA = "/.well-known/oauth-protected-resource"
"""Where the gateway says where tokens come from; with `/mcp`, or `/mcp/NAME`, behind it as well."""

NOBODY = Grant(principals.NOBODY, "")
"""What whoever says nothing of itself is granted, where that is enough."""


class Where(NamedTuple):
    """By which name the gateway was called, and at which of its paths: `/mcp` or `/mcp/NAME`."""

    host: str
    path: str


Refused = Callable[[str, str, str, str], Awaitable[None]]
"""Hears of a credential that was refused, before that is answered: its principal and tenant, "" where they are unknown,
what it was for, and why it was refused.
"""

Headers = Iterable[tuple[bytes, bytes]]


class SignIn:
    """The ways into one gateway: keys on `ring`, tokens of `oidc` where that is there, and `anonymous`, or not."""

    def __init__(
        self,
        ring: KeyRing | None = None,
        oidc: Oidc | None = None,
        *,
        anonymous: bool = True,
        refused: Refused | None = None,
    ) -> None:
        self.ring = ring or KeyRing()
        self.anonymous = anonymous
        self.refused = refused or _unheard
        self._oidc = oidc
        self._issuer: Issuer | None = None

    @asynccontextmanager
    async def running(self, port: int, paths: Sequence[str] = ("/mcp",)) -> AsyncGenerator[None]:
        """Know the gateway's addresses and keep in touch with the issuer while inside; a token for one is for all."""
        if self._oidc is None:
            yield
            return
        hosts = (f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]"))
        own = frozenset(resource(Where(host, path)) for host in hosts for path in paths)
        async with Issuer(self._oidc.issuer, Tokens(self._oidc, own)).running() as self._issuer:
            yield

    async def grant(self, headers: Headers) -> Grant:
        """Return what a request's credential grants; raise `Unverified` where it has to have a better one."""
        said = [value for name, value in headers if name == b"authorization"]
        if not said:
            if self.anonymous:
                return NOBODY
            raise Unverified("sign in; whoever runs this system makes a key with: mads key new NAME --scope SCOPE")
        credential = _bearer(said)
        if credential.startswith(PREFIX):
            return self.ring.grant(credential)
        if self._issuer is None:
            raise Unverified("the credential is no API key, and nothing else is taken here")
        return await self._issuer.grant(credential)

    def missing(self, grant: Grant, tool: ToolInfo) -> str | None:
        """Return the scope that `grant` would need for `tool`, or None where it has what it needs."""
        has = grant.identity.scopes
        if has is None or permits(has, tool.name, read_only=tool.read_only):
            return None
        if self._issuer is not None and not grant.owner.startswith("key:"):
            return self._issuer.tokens.scope_for(tool.name, read_only=tool.read_only) or tool.name
        return tool.name

    def challenge(self, where: Where, error: str = "", why: str = "", scope: str = "") -> bytes:
        """Return the `WWW-Authenticate` (RFC 6750) that tells a client how to go on."""
        if self._oidc is not None and not scope:
            scope = next(iter(self._oidc.scopes))
        told = {
            "error": error,
            "error_description": why.replace('"', "'").replace("\\", ""),
            "scope": scope,
            "resource_metadata": f"http://{where.host}{METADATA}{where.path}" if self._oidc is not None else "",
        }
        rest = "".join(f', {name}="{value}"' for name, value in told.items() if value)
        return f'Bearer realm="mads"{rest}'.encode("ascii", "replace")

    def metadata(self, where: Where) -> bytes | None:
        """Return what the gateway says of itself as a protected resource; None where it takes no tokens."""
        if self._oidc is None:
            return None
        return msgspec.json.encode(
            {
                "resource": resource(where),
                "authorization_servers": [self._oidc.issuer],
                "scopes_supported": list(self._oidc.scopes),
                "bearer_methods_supported": ["header"],
                "resource_name": "mads",
            }
        )


async def _unheard(principal: str, tenant: str, subject: str, why: str) -> None:
    """Tell nobody."""


def resource(where: Where) -> str:
    """Return an address of the gateway: what a token must be meant for."""
    return f"http://{where.host}{where.path}"


def _bearer(said: Sequence[bytes]) -> str:
    """Return the one credential that a request has; raise `Unverified` where it is none."""
    if len(said) > 1:
        raise Unverified("the request has more than one credential; send one")
    scheme, _, credential = said[0].partition(b" ")
    if scheme.lower() != b"bearer" or not credential.strip():
        raise Unverified("the credential is none that is taken here; send Authorization: Bearer and a key or a token")
    if len(credential) > MAX_CREDENTIAL:
        raise Unverified(f"the credential is longer than {MAX_CREDENTIAL} bytes")
    try:
        return credential.strip().decode("ascii")
    except UnicodeDecodeError:
        raise Unverified("the credential is not written as one") from None
