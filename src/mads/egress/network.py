"""Connections to addresses that were looked at first: a name is resolved here, and connected to is what it led to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import httpcore2

from mads.egress.address import is_public, packed
from mads.egress.grants import LOCAL
from mads.egress.stream import Stream, connected
from mads.wire.errors import Denied, NoResponder

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host; raises `OSError` where it has none."""

MOST = 32
"""How many addresses a name may have; more are nobody's honest answer."""

EACH = 5.0
"""Seconds that one of several addresses has to be connected to."""


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """Return what the machine's resolver says, in its order."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to public addresses by name, and to any address that the URL itself names: that one was granted."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Stream:
        """Connect to `host` as it is resolved now; raise `Denied` where any of its addresses is not public."""
        del local_address, socket_options
        addresses = await self._addresses(host, port)
        each = timeout if len(addresses) == 1 else min(timeout or EACH, EACH)
        for address in addresses[:-1]:
            try:
                return await connected(address, port, each)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await connected(addresses[-1], port, each)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: no URL leads to a file."""
        del timeout, socket_options
        raise Denied(f"nothing outside is at {path!r}")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        if packed(host) is not None:
            return (host,)
        if host == LOCAL:
            return ("127.0.0.1", "::1")
        try:
            found = [*dict.fromkeys(await self._resolve(host, port))]
        except (OSError, UnicodeError):
            raise NoResponder(f"{host} has no address") from None
        if not found:
            raise NoResponder(f"{host} has no address")
        if len(found) > MOST or not all(map(_is_public, found)):
            raise Denied(f"{host} leads to an address that is not public; such a one is reached by itself, if granted")
        return found


def _is_public(address: str) -> bool:
    as_bytes = packed(address)
    return as_bytes is not None and is_public(as_bytes)
