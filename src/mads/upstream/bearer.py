"""What a request shows as its bearer token: asked for at each request, as it may be another one by then."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

import httpx2


class Bearer(httpx2.Auth):
    """Shows what `fetch` returns at the time of each request."""

    def __init__(self, fetch: Callable[[], Awaitable[str]]) -> None:
        self._fetch = fetch

    async def token(self) -> str:
        """Return what is to be shown now; "" is nothing."""
        return await self._fetch()

    async def challenged(self, status: int, headers: Mapping[str, str], shown: str) -> bool:
        """Return whether to ask again: never, there is no other token than the one that was `shown`."""
        del status, headers, shown
        return False

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Sign `request`; do so once more where its answer asks for another token."""
        shown = await self.token()
        if shown:
            request.headers["authorization"] = f"Bearer {shown}"
        response = yield request
        if await self.challenged(response.status_code, response.headers, shown):
            request.headers["authorization"] = f"Bearer {await self.token()}"
            yield request
