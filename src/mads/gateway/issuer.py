"""The `Issuer` of tokens: its keys, fetched from where it says they are, kept, and fetched anew when they change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Self, cast
from urllib.parse import urlsplit

import httpx2
import msgspec
import structlog

from mads.guard.credential import Grant, Unverified
from mads.guard.oidc import is_safe
from mads.guard.tokens import Tokens, UnknownKey

FRESH = 600.0
"""The seconds after which the keys are fetched again, while the ones at hand still count."""

STALE = 3600.0
"""The seconds for which keys count that cannot be fetched again."""

PAUSE = 5.0
"""The seconds from one fetch to the next: nobody makes the gateway knock more often, by keys that nobody knows."""

PATIENCE = 5.0
"""The seconds that the issuer has for each answer."""

MOST = 1024 * 1024
"""How many bytes an answer of the issuer may have."""

_PLAIN = {"accept": "application/json", "accept-encoding": "identity"}


class Issuer:
    """Grants what the tokens of the issuer at `url` show, as far as it can be reached."""

    def __init__(self, url: str, tokens: Tokens) -> None:
        self.url, self.tokens = url, tokens
        self._http = httpx2.AsyncClient(timeout=PATIENCE, trust_env=False, follow_redirects=False, headers=_PLAIN)
        self._fetching: asyncio.Task[None] | None = None
        self._began, self._fetched = -PAUSE, -STALE

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Self]:
        """Fetch the keys while inside; whoever needs one waits for that."""
        self._fetch()
        async with self._http:
            yield self
            if self._fetching is not None:
                self._fetching.cancel()
                await asyncio.wait((self._fetching,))

    async def grant(self, token: str) -> Grant:
        """Return what `token` grants; raise `Unverified` where that is nothing."""
        age = time.monotonic() - self._fetched
        if age >= FRESH:
            self._fetch()
        if age >= STALE and not await self._has_newer():
            raise Unverified("the token's issuer cannot be reached just now")
        try:
            return self.tokens.grant(token)
        except UnknownKey:
            self._fetch()
            if not await self._has_newer():
                raise
        return self.tokens.grant(token)

    def _fetch(self) -> None:
        """Begin to fetch the keys, unless that is going on or was begun a moment ago."""
        now = time.monotonic()
        if (self._fetching is None or self._fetching.done()) and now - self._began >= PAUSE:
            self._began = now
            self._fetching = asyncio.create_task(self._fetch_all(), name="keys of the issuer")

    async def _has_newer(self) -> bool:
        """Return whether the fetch that is going on brings keys; false where none is."""
        before = self._fetched
        if self._fetching is not None:
            await asyncio.wait((self._fetching,))
        return self._fetched > before

    async def _fetch_all(self) -> None:
        try:
            found = await self._discovered()
            self.tokens.trust(cast("list[Any]", (await self._get(found))["keys"]))
            self._fetched = time.monotonic()
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            structlog.get_logger().warning("the issuer's keys cannot be had", issuer=self.url, why=repr(error))

    async def _discovered(self) -> str:
        """Return where the keys are: as OpenID Connect says, or else as RFC 8414 does."""
        parts = urlsplit(self.url)
        told = await self._get(f"{self.url.rstrip('/')}/.well-known/openid-configuration", missing={})
        if not told:
            path = f"/.well-known/oauth-authorization-server{parts.path.rstrip('/')}"
            told = await self._get(f"{parts.scheme}://{parts.netloc}{path}")
        if told["issuer"] != self.url:
            raise ValueError(f"it calls itself {told['issuer']!r:.200}; write that as `issuer`, if it is the one")
        if not is_safe(told["jwks_uri"]):
            raise ValueError(f"its keys are at {told['jwks_uri']!r:.200}, where anybody may change them on the way")
        return str(told["jwks_uri"])

    async def _get(self, url: str, *, missing: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the JSON object at `url`, or `missing` where there is nothing."""
        body = bytearray()
        async with asyncio.timeout(PATIENCE), self._http.stream("GET", url) as response:
            if response.status_code == HTTPStatus.NOT_FOUND and missing is not None:
                return missing
            response.raise_for_status()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MOST:
                    raise ValueError(f"{url} answers with more than {MOST} bytes")
        return msgspec.json.decode(body, type=dict[str, Any])
