"""An HTTP client of somebody else's, kept to the broker: what `httpx2` sends goes through an `Egress`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from types import MappingProxyType

import httpx2

from mads.author.outside import Arriving, Egress
from mads.wire.errors import DeadlineExceeded, Failed, NoResponder
from mads.wire.secret import SecretRef
from mads.wire.web import LARGEST

NONE: Mapping[str, SecretRef] = MappingProxyType({})
OURS = frozenset({"host", "content-length", "connection", "accept-encoding", "transfer-encoding", "keep-alive"})
"""Headers that a client sets and the broker says itself."""


class EgressTransport(httpx2.AsyncBaseTransport):
    """Sends by `egress`; the headers in `secrets` replace what the client would say there.

    A client that asks for a key is given any text, and the key as `secrets = {"authorization": ref.shaped(…)}`. What
    nobody answers, or breaks off, is an `httpx2.TransportError`, for its retries and messages are about those; what may
    not be asked for stays `Denied`.
    """

    def __init__(
        self,
        egress: Egress,
        *,
        secrets: Mapping[str, SecretRef] = NONE,
        timeout: float = 600.0,
        limit: int = 10 * LARGEST,
    ) -> None:
        self._egress, self._timeout, self._limit = egress, timeout, limit
        self._secrets = {name.lower(): ref for name, ref in secrets.items()}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer to `request` as soon as it begins."""
        own: dict[str, str | SecretRef] = {
            name: value for name, value in request.headers.items() if name not in OURS and name not in self._secrets
        }
        stack = AsyncExitStack()
        try:
            arriving = await stack.enter_async_context(
                self._egress.stream(
                    request.method,
                    str(request.url),
                    headers={**own, **self._secrets},
                    content=await request.aread(),
                    timeout=self._timeout,
                    limit=self._limit,
                    redirects=0,
                )
            )
        except (NoResponder, DeadlineExceeded, Failed) as error:
            await stack.aclose()
            raise _transport_error(error, request) from error
        return httpx2.Response(arriving.status, headers=dict(arriving.headers), stream=_Body(arriving, stack, request))


class _Body(httpx2.AsyncByteStream):
    """The body of an answer; closing it lets go of the request."""

    def __init__(self, arriving: Arriving, stack: AsyncExitStack, request: httpx2.Request) -> None:
        self._arriving, self._stack, self._request = arriving, stack, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._arriving:
                yield piece
        except (NoResponder, DeadlineExceeded, Failed) as error:
            raise _transport_error(error, self._request) from error

    async def aclose(self) -> None:
        await self._stack.aclose()


def _transport_error(error: NoResponder | DeadlineExceeded | Failed, request: httpx2.Request) -> httpx2.TransportError:
    match error:
        case NoResponder():
            return httpx2.ConnectError(str(error), request=request)
        case DeadlineExceeded():
            return httpx2.ReadTimeout(str(error), request=request)
        case _:
            return httpx2.RemoteProtocolError(str(error), request=request)
