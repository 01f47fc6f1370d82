"""Keeps a server at hand: connected, started again when it ends, its lists fresh, a connection for each credential.

Nothing here is waited for by whoever starts the system; a server that is not there is said not to be.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from functools import partial
from typing import NoReturn, Protocol

from mads.author.foreign import Keep
from mads.upstream.bearer import Bearer
from mads.upstream.faults import told
from mads.upstream.handle import SECRET, resolved
from mads.upstream.oauth.signin import SignIn
from mads.upstream.peer import Peer
from mads.upstream.server import EACH, EVERYBODY, SHARED, Server
from mads.upstream.session import Session
from mads.wire.errors import CallError, ConfigError, Denied, NoResponder
from mads.wire.tools import Definition

FIRST, LONGEST = 0.2, 30.0
"""Seconds until a server that has ended is started again, at first and at most, as the time doubles."""

FRESH = 60.0
"""Seconds after which the lists are read again, whether or not the server says that they changed."""

GATHER = 0.1
"""Seconds in which changes are gathered before the lists are read again."""

USERS = 64
"""How many connections with credentials of their own are kept; for one more the one goes that was not used longest."""


SIGNED = "signed in:"
"""Begins what stands for a credential for which somebody signs in; after it, who did."""


SPARES = 16
"""How many connections there are beside those that are shared, for calls that have to be alone on theirs."""


class Hearer(Protocol):
    """Whom the link tells what there is."""

    async def found(self, definitions: list[Definition], missing: str) -> None:
        """Hear what the server offers, and why that is not all ("": it is)."""

    def trouble(self, why: str) -> None:
        """Hear why the server cannot be used; "" is that it can."""

    async def changed(self, uri: str) -> None:
        """Hear that what stands at an address has changed."""

    def signed(self, principal: str) -> Keep:
        """Return where the sign-in of `principal` is kept; "" is that of the system."""
        ...

    async def secret(self, path: str) -> str:
        """Return the secret at `path` of the vault, for this server; raise `Denied` or `InvalidMessage`."""
        ...

    def said(self, line: str) -> None:
        """Hear what the server's command wrote to its stderr."""


class Link:
    """A link to one server; `begin` it, `close` it."""

    def __init__(self) -> None:
        self._keeping: asyncio.Task[None] | None = None
        self._users: dict[str, Session] = {}
        self._opening = asyncio.Lock()
        self._spares: dict[str, list[Session]] = {}
        self._lent: set[Session] = set()
        self._stale = asyncio.Event()
        self._main: Session | None = None
        self._why = "it is being reached"

    def begin(self, name: str, server: Server, hearer: Hearer) -> None:
        """Reach `server` from now on, again and again, and tell `hearer` of it; beginning again does nothing."""
        if self._keeping is None:
            self._name, self._server, self._hearer = name, server, hearer
            self._keeping = asyncio.create_task(self._keep(), name=f"upstream {name}", context=Context())

    async def close(self) -> None:
        """Let go of the server, and end what was started."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        spares = [each for spares in self._spares.values() for each in spares]
        sessions = [*self._users.values(), *spares, *self._lent, *([self._main] if self._main else [])]
        await asyncio.gather(*(session.close() for session in sessions), return_exceptions=True)

    @asynccontextmanager
    async def lent(self, principal: str, peer: Peer) -> AsyncGenerator[Session]:
        """Lend the connection for a call of `peer`: one of its own where the server could not say whom it asks.

        A command is not started once more for that, nor is there one for more than `SPARES` at a time.
        """
        shared = await self.session(principal)
        if shared.fits(peer) or not self._server.url or len(self._lent) >= SPARES:
            yield shared
            return
        handle = self._handle(principal) or ""
        spares = self._spares.setdefault(handle, [])
        session = spares.pop() if spares else self._new(handle)
        self._lent.add(session)
        try:
            if not session.opened:
                await session.open()
            yield session
        finally:
            self._lent.discard(session)
            if session.gone.is_set():
                await session.close()
            else:
                spares.append(session)

    async def session(self, principal: str) -> Session:
        """Return the connection for calls of `principal`; raise `NoResponder` or `Denied` where there is none."""
        handle = self._handle(principal)
        if handle is None:
            raise Denied(
                f"this server needs a credential of {principal!r}; write one beside `mcp` in mads.toml: "
                f'credential = {{ {principal} = "env:NAME" }}'
            )
        if handle == self._listing:
            if self._main is None or self._main.gone.is_set():
                raise NoResponder(f"the server is not there: {self._why}", retry_after=1.0)
            return self._main
        async with self._opening:
            return self._users.get(handle) or await self._opened(handle)

    @property
    def _listing(self) -> str:
        """The handle of the credential by which the lists are read."""
        return self._handle(EVERYBODY) or ""

    def _handle(self, principal: str) -> str | None:
        """Return what stands for the credential of `principal`: two who share one share a connection."""
        handle = self._server.handle(principal)
        if handle not in (SHARED, EACH):
            return handle
        return SIGNED + (principal if handle == EACH and principal != EVERYBODY else "")

    async def _opened(self, handle: str) -> Session:
        for key in [key for key, each in self._users.items() if each.gone.is_set()]:
            await self._users.pop(key).close()
        if len(self._users) >= USERS:
            await self._users.pop(next(iter(self._users))).close()
        session = self._new(handle)
        await session.open()
        self._users[handle] = session
        return session

    def _new(self, handle: str) -> Session:
        try:
            auth = self._bearer(handle)
            secret = resolved(handle) if handle and auth is None else ""
        except ConfigError as error:
            raise NoResponder(str(error)) from error
        return Session(
            self._server, secret, changed=self._changed, said=self._hearer.said, fetch=self._fetch, auth=auth
        )

    def _bearer(self, handle: str) -> Bearer | None:
        """Return what says at each request what it shows; None where that is the same at all."""
        if handle.startswith(SECRET):
            return Bearer(partial(self._fetch, handle))
        return self._signing(handle.removeprefix(SIGNED)) if handle.startswith(SIGNED) else None

    async def _fetch(self, handle: str) -> str:
        if handle.startswith(SECRET):
            return await self._hearer.secret(handle.removeprefix(SECRET))
        return resolved(handle)

    def _signing(self, principal: str) -> SignIn:
        async def visit(_: str) -> NoReturn:
            whom, how = (f" for {principal}", f" --as {principal}") if principal else ("", "")
            raise Denied(
                f"nobody has signed in there{whom}, or it wants more than was granted; write: "
                f"mads connect {self._name}{how}"
            )

        return SignIn(self._server.url, self._server.oauth, self._hearer.signed(principal), visit)

    async def _changed(self, what: str) -> None:
        if what in ("tools", "prompts", "resources"):
            self._stale.set()
        else:
            await self._hearer.changed(what)

    async def _keep(self) -> None:
        pause = FIRST
        while True:
            try:
                session = self._main = self._new(self._listing)
                await session.open()
            except (CallError, ConfigError, OSError) as error:
                self._trouble(told(error))
            else:
                pause = FIRST
                await self._follow(session)
                await session.close()
                self._trouble("it went away")
            await asyncio.sleep(pause * random.SystemRandom().uniform(0.8, 1.2))
            pause = min(LONGEST, pause * 2)

    async def _follow(self, session: Session) -> None:
        """Read the lists now, and whenever they may have changed, until the connection is gone."""
        gone = asyncio.create_task(session.gone.wait())
        try:
            while not session.gone.is_set():
                self._stale.clear()
                await self._read(session)
                changed = asyncio.create_task(self._stale.wait())
                try:
                    await asyncio.wait((gone, changed), timeout=FRESH, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    changed.cancel()
                if not session.gone.is_set():
                    await asyncio.wait((gone,), timeout=GATHER)
        finally:
            gone.cancel()

    async def _read(self, session: Session) -> None:
        with suppress(NoResponder):  # it is gone, which the next look finds
            definitions, missing = await session.definitions()
            self._why = missing
            await self._hearer.found(definitions, missing)

    def _trouble(self, why: str) -> None:
        self._why = why
        self._hearer.trouble(why)
