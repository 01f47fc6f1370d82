"""Shows a server the token that its authorization server gave; gets one, a fresh or a wider one when that is needed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import httpx2
from mcp.client.auth import OAuthFlowError
from mcp.client.auth.utils import extract_field_from_www_auth, extract_scope_from_www_auth
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types.version import LATEST_MODERN_VERSION
from pydantic import ValidationError

from mads.author.foreign import Keep
from mads.upstream.bearer import Bearer
from mads.upstream.oauth.provider import Visit, provider
from mads.upstream.oauth.settings import OAuth
from mads.wire.errors import Denied

LARGEST = 1024 * 1024
"""How many bytes an authorization server may answer."""

HERE = {"127.0.0.1", "localhost", "::1"}

ENCODED = ("content-encoding", "content-length", "transfer-encoding")
"""Headers that say how a body travelled; it is kept as it was read."""


class SignIn(Bearer):
    """Signs in at the server at `url`, and keeps what came of it; `visit` takes whoever it is for to a browser.

    Requests go side by side: only while a token is asked for do the others wait for it. What was asked for is asked
    for once in a request; a server that is not content with it then has its say.
    """

    def __init__(
        self, url: str, oauth: OAuth, keep: Keep, visit: Visit, http: Callable[[], httpx2.AsyncClient] | None = None
    ) -> None:
        logging.getLogger("mcp.client.auth").setLevel(logging.CRITICAL)  # the SDK logs what it raises, with all of it
        super().__init__(self.token)
        self._url, self._http = url, http or (lambda: httpx2.AsyncClient(timeout=20))
        self._provider, self._memory = provider(url, oauth, keep, visit)
        self._one = asyncio.Lock()
        self._begun = False

    async def token(self) -> str:
        """Return a token that should be good, refreshed where its time was up; "" where there is none."""
        context = self._provider.context
        if not self._begun or (context.current_tokens and not context.is_token_valid()):
            async with self._one:
                if not context.is_token_valid():
                    await self._converse(None)
                    self._begun = True
                    if context.current_tokens is None:
                        await self._memory.forget()
        return context.current_tokens.access_token if context.current_tokens else ""

    async def challenged(self, status: int, headers: Mapping[str, str], shown: str) -> bool:
        """Return whether to ask again, with another token: that which was `shown` was not enough, which is mended.

        Raises `Denied` where that needs somebody at a browser, or the authorization server refuses.
        """
        refused = httpx2.Response(status, headers=dict(headers), request=httpx2.Request("POST", self._url))
        narrow = status == 403 and extract_field_from_www_auth(refused, "error") == "insufficient_scope"  # noqa: PLR2004
        if status != 401 and not narrow:  # noqa: PLR2004  statuses of HTTP
            return False
        async with self._one:
            await self._memory.begin(self._provider.context)
            tokens = self._provider.context.current_tokens
            if tokens is not None and tokens.access_token != shown:
                return True  # somebody has signed in meanwhile
            try:
                await self._converse(refused)
            except Denied:
                if narrow:
                    await self._memory.want(extract_scope_from_www_auth(refused))
                raise
        return True

    async def widen(self) -> None:
        """Have granted what was asked for when nobody was there to do so."""
        if scope := self._memory.wanted:
            told = f'Bearer error="insufficient_scope", scope="{scope}"'
            await self.challenged(403, {"www-authenticate": told}, await self.token())

    async def _converse(self, refused: httpx2.Response | None) -> None:
        """Let the SDK talk with the authorization server, as if a request had been `refused` (None: it is to come)."""
        asked = httpx2.Request("POST", self._url, headers={MCP_PROTOCOL_VERSION_HEADER: LATEST_MODERN_VERSION})
        flow = self._provider.async_auth_flow(asked)
        try:
            async with self._http() as http:
                wanted = await anext(flow)
                while wanted is not asked or refused is not None:
                    if wanted is asked:
                        answer, refused = refused, None
                    else:
                        answer = await self._sent(http, wanted)
                    wanted = await flow.asend(answer)  # type: ignore[arg-type]
        except (OAuthFlowError, ValidationError, httpx2.HTTPError, ValueError) as error:
            lines = str(error).splitlines() or [type(error).__name__]
            raise Denied(f"signing in did not work: {lines[0]:.300}") from error
        finally:
            await flow.aclose()

    async def _sent(self, http: httpx2.AsyncClient, request: httpx2.Request) -> httpx2.Response:
        """Return the answer of an authorization server, read within bounds."""
        self._check(request.url)
        response = await http.send(request, stream=True, follow_redirects=False)
        try:
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST:
                    raise Denied(f"{request.url.host} answered more than {LARGEST} bytes")
        finally:
            await response.aclose()
        kept = {
            key: value for key, value in response.headers.items() if key not in ("content-encoding", "content-length")
        }
        answer = httpx2.Response(response.status_code, headers=kept, content=body, request=request)
        answer.next_request = response.next_request
        return answer

    def _check(self, url: httpx2.URL) -> None:
        """Raise `Denied` where a server sends us to an address that nobody can vouch for, or into our own machine."""
        own = urlsplit(self._url)
        inside = url.host in HERE
        if inside and own.hostname not in HERE:
            raise Denied(f"the server sends mads to {url.host!r} to sign in, which is this machine")
        if url.scheme != "https" and not inside and (url.scheme, url.host) != (own.scheme, own.hostname):
            raise Denied(f"the server sends mads to {str(url.copy_with(query=None))!r} to sign in, which is not https")
