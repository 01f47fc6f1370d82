"""Who has signed in at which MCP server: what that brought is kept in the store, sealed with a key of this system."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import cast

import httpx2
import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from mads.guard.principals import only_operator
from mads.host.config import UPSTREAM, MadConfig
from mads.store.port import KeptRows, Scope
from mads.upstream.oauth.browser import Browser
from mads.upstream.oauth.signin import SignIn
from mads.upstream.server import Server
from mads.wire import codec
from mads.wire.errors import Denied, InvalidMessage, Reject

SIGNINS_KEY = "signins.key"
"""The file beside the database by whose key what is kept can be read."""

WITHIN = 540.0
"""Seconds that somebody has to sign in."""

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
"""What is asked of a server so that it says who may ask."""

ACCEPT = {"accept": "application/json, text/event-stream"}


class Sealed(Struct, frozen=True):
    """What signing in has brought for one principal ("": for the system), which only this system can read."""

    principal: str
    sealed: bytes


class RowsKeep:
    """Keeps one sign-in in `rows`."""

    def __init__(self, rows: KeptRows, key: bytes, mad: str, principal: str) -> None:
        self._rows, self._principal, self._cipher = rows, principal, AESGCM(key)
        self._scope = Scope(tenant="default", mad=mad, field="signins", type="mads.SignIn.v1")
        self._bound = f"{mad}\0{principal}".encode()

    async def load(self) -> str:
        """Return what was kept; "" is nothing, or nothing that this system can read."""
        for _, sealed in await self._found():
            with suppress(InvalidTag):
                return self._cipher.decrypt(sealed[:12], sealed[12:], self._bound).decode()
        return ""

    async def save(self, kept: str) -> None:
        """Keep it, instead of what was kept before; "" is to forget that."""
        before = [row for row, _ in await self._found()]
        if kept:
            nonce = secrets.token_bytes(12)
            sealed = nonce + self._cipher.encrypt(nonce, kept.encode(), self._bound)
            await self._rows.add(self._scope, codec.encode(Sealed(self._principal, sealed)))
        if before:
            await self._rows.remove(self._scope, before)

    async def _found(self) -> list[tuple[int, bytes]]:
        rows = [(row, codec.decode(body, Sealed)) for row, body in await self._rows.rows(self._scope)]
        return [(row, it.sealed) for row, it in rows if it.principal == self._principal][::-1]


class SignIns:
    """The sign-ins at the servers for which some of `mads` stand, kept in `rows`, sealed with `key`."""

    def __init__(self, rows: KeptRows, key: bytes, mads: Mapping[str, MadConfig]) -> None:
        self._rows, self._key = rows, key
        told = {mad: config.set["server"] for mad, config in mads.items() if config.use == UPSTREAM}
        self._servers = {mad: msgspec.convert(each, Server) for mad, each in told.items()}
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}

    def keep(self, mad: str, principal: str) -> RowsKeep:
        """Return where the sign-in of `principal` is kept; "" is that of the system."""
        return RowsKeep(self._rows, self._key, mad, principal)

    async def begin(self, mad: str, principal: str) -> str:
        """Begin to sign in; return the address to which a browser has to go, "" where none has to."""
        only_operator("sign in")
        server = self._server(mad)
        if (before := self._running.pop((mad, principal), None)) is not None:
            before.cancel()
            await asyncio.wait({before})
        browser = Browser()
        running = asyncio.create_task(self._sign(mad, principal, server, browser), name=f"sign in at {mad}")
        self._running[mad, principal] = running
        await asyncio.wait([running, cast("asyncio.Task[None]", browser.address)], return_when=asyncio.FIRST_COMPLETED)
        if not browser.address.done():
            await running
            return ""
        return browser.address.result()

    async def done(self, mad: str, principal: str) -> None:
        """Return once whoever signs in has done so; raise `Denied` where that does not come about."""
        only_operator("sign in")
        if (running := self._running.get((mad, principal))) is None:
            raise InvalidMessage(f"nobody is signing in at {mad!r}; begin: mads connect {mad}")
        try:
            await asyncio.shield(running)
        except TimeoutError:
            raise Denied(f"nobody came back within {WITHIN:g} s; begin again: mads connect {mad}") from None

    async def forget(self, mad: str, principal: str) -> None:
        """Forget what signing in has brought."""
        only_operator("sign out")
        self._server(mad)
        await self.keep(mad, principal).save("")

    async def close(self) -> None:
        """Let go of whoever is signing in."""
        for running in self._running.values():
            running.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _server(self, mad: str) -> Server:
        server = self._servers.get(mad)
        if server is None or not server.signs_in:
            offered = ", ".join(name for name, each in self._servers.items() if each.signs_in) or "none does"
            raise InvalidMessage(
                f"nobody signs in at {mad!r} (of those that are here: {offered}); write beside its address in "
                'mads.toml: credential = "oauth"'
            )
        return server

    async def _sign(self, mad: str, principal: str, server: Server, browser: Browser) -> None:
        signing = SignIn(server.url, server.oauth, self.keep(mad, principal), browser.visit)
        async with (
            asyncio.timeout(WITHIN),
            browser.listening(server.oauth.callback),
            httpx2.AsyncClient(auth=signing, timeout=None, headers=ACCEPT) as http,
        ):
            try:
                answer = await http.post(server.url, json=PING)
            except httpx2.HTTPError as error:
                raise Reject(f"{mad} cannot be reached: {error or type(error).__name__}") from error
            if answer.status_code in (401, 403):
                raise Denied(f"{mad} refuses what its authorization server gave: HTTP status {answer.status_code}")
            if not await signing.token():
                raise Reject(f"{mad} asks nobody to sign in; leave `credential` out")
            await signing.widen()
