"""The broker: a request goes where its MAD may, carries what it may, and what comes back is bounded in every way."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

from msgspec import Struct

from mads.author.vault import Vault
from mads.egress.config import Outgoing
from mads.egress.decode import ACCEPTED, capped, too_large
from mads.egress.echo import Echo
from mads.egress.errors import told
from mads.egress.grants import Grant, Grants, is_inward
from mads.egress.headers import Sent, checked, crossing, read
from mads.egress.http import Response
from mads.egress.network import CheckedNetwork, Resolve, system_resolver
from mads.egress.pool import Pool, Request
from mads.egress.scan.screen import Screen
from mads.egress.target import Target, redirected, target
from mads.wire.errors import Denied, Failed, InvalidMessage
from mads.wire.secret import SecretRef
from mads.wire.web import LARGEST, Answer, Ask, Head

LEADS_ON = frozenset({301, 302, 303, 307, 308})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
AGENT = "mads"

EVERYBODY = Outgoing()
NONE: Mapping[str, Outgoing] = MappingProxyType({})


class For(Struct, frozen=True):
    """In whose name a request leaves."""

    mad: str
    principal: str = ""
    tenant: str = "default"


class Coming(Struct, frozen=True):
    """An answer whose body is still to come, the grants by which it was asked for, and what was masked in the body."""

    head: Head
    chunks: AsyncIterator[bytes]
    by: tuple[Grant, ...]
    masked: tuple[str, ...] = ()

    @property
    def rules(self) -> tuple[str, ...]:
        """By what it was asked for, in words."""
        masked = (f"masked: {', '.join(self.masked)}",) if self.masked else ()
        return (*map(str, self.by), *masked)


class _Hop(Struct, frozen=True):
    """One request on the way to an answer."""

    method: str
    to: Target
    headers: Mapping[str, str | SecretRef]
    content: bytes

    def leads(self, to: Target, status: int) -> _Hop:
        """Return the request that follows where the answer was `status` and leads on to `to`; raise `Denied`."""
        same = to.origin == self.to.origin
        if self.to.scheme == "https" and to.scheme != "https":
            raise Denied(f"{self.to.place} leads on to {to.place}, where anybody could listen; ask for that itself")
        method, content = self.method, self.content
        if status == 303 or (status in (301, 302) and method == "POST"):  # noqa: PLR2004  as RFC 9110 has it
            method, content = ("HEAD" if method == "HEAD" else "GET"), b""
        if content and not same:
            raise Denied(f"{self.to.place} leads on to {to.place}, which is not shown what was meant for the former")
        return _Hop(method, to, self.headers if same else crossing(self.headers), content)


class Broker:
    """Makes the requests of every MAD; `grants` are theirs by name, as is what may be `outgoing`. Close it."""

    def __init__(
        self,
        grants: Mapping[str, Grants],
        *,
        outgoing: Mapping[str, Outgoing] = NONE,
        vault: Vault | None = None,
        resolve: Resolve = system_resolver,
        authorities: str | None = None,
    ) -> None:
        self._grants, self._vault, self._resolve = grants, vault, resolve
        self._outgoing, self._screen = outgoing, Screen()
        self._authorities = authorities
        self._context: asyncio.Future[ssl.SSLContext] | None = None
        self._pools: dict[str, Pool] = {}

    async def answer(self, who: For, ask: Ask) -> tuple[Answer, tuple[str, ...]]:
        """Return the answer to `ask`, and by what it was asked for, in words; as `open` raises."""
        if ask.limit > LARGEST:
            raise InvalidMessage(f"an answer that comes as a whole may have {LARGEST} bytes; stream a larger one")
        async with self.open(who, ask) as coming:
            body = bytearray()
            async for chunk in coming.chunks:
                body += chunk
            head = coming.head
            return Answer(head.status, head.headers, head.url, bytes(body)), coming.rules

    @asynccontextmanager
    async def open(self, who: For, ask: Ask) -> AsyncGenerator[Coming]:
        """Yield the answer to `ask` as it begins, wherever that led on to.

        Raises `Denied` where `who` may not, `InvalidMessage` where it is no request, `NoResponder` where nobody
        answers, `Failed` where somebody answers what nobody can read, or too much.
        """
        hop = _Hop(ask.method.upper(), target(ask.url), checked(ask.headers), ask.content)
        if hop.method not in METHODS:
            raise InvalidMessage(f"{ask.method!r:.40} is no method; there is {', '.join(sorted(METHODS))}")
        by: list[Grant] = []
        masked: tuple[str, ...] = ()
        for left in range(ask.redirects, -1, -1):
            by.append(self._granted(who.mad, hop.to))
            content, kinds = await self._screened(who, hop)
            masked = masked or kinds
            sent = await self._filled(who, hop)
            try:
                with told(hop.to):
                    pool = await self._pool(who.mad)
                    response = await pool.ask(_request(hop, sent, content))
            finally:
                sent.forget()
            try:
                status, headers = response.status, read(response.headers, sent.echo, hop.to.place)
                location = headers.get("location")
                if status not in LEADS_ON or location is None or not ask.redirects:
                    head = Head(status, headers, hop.to.url)
                    yield Coming(head, self._body(response, hop, headers, ask.limit, sent.echo), tuple(by), masked)
                    return
            finally:
                await response.close()
            if not left:
                raise Failed(f"{target(ask.url).place} leads on more than {ask.redirects} times")
            hop = hop.leads(redirected(hop.to, location), status)

    async def close(self) -> None:
        """Let go of every connection."""
        for pool in self._pools.values():
            await pool.close()

    def _granted(self, mad: str, to: Target) -> Grant:
        grants = self._grants.get(mad)
        grant = grants.by(to) if grants else None
        if grant is None:
            port = "" if to.port in (80, 443) else f":{to.port}"
            host = f"[{to.host}]" if ":" in to.host else to.host
            raise Denied(
                f"{mad} may not reach {to.authority}; whoever runs the system may write in mads.toml: "
                f'{mad} = {{ …, may = ["net:{host}{port}"] }}'
            )
        return grant

    async def _screened(self, who: For, hop: _Hop) -> tuple[bytes, tuple[str, ...]]:
        """Return the body that may be sent, and what was masked in it."""
        policy = self._outgoing.get(who.mad, EVERYBODY)
        known = await self._vault.fingerprints() if self._vault is not None and policy.secrets != "pass" else None
        return await self._screen.passed(
            policy, who.mad, hop.to, tenant=who.tenant, headers=hop.headers, content=hop.content, known=known
        )

    async def _filled(self, who: For, hop: _Hop) -> Sent:
        """Return the headers of `hop` as they are sent, with the secrets that its handles stand for."""
        sent = Sent(hop.headers)
        try:
            for name, value in hop.headers.items():
                if isinstance(value, SecretRef):
                    await self._secret(who, hop.to, sent, name, value)
        except BaseException:
            sent.forget()
            raise
        return sent

    async def _secret(self, who: For, to: Target, sent: Sent, name: str, ref: SecretRef) -> None:
        if self._vault is None:
            raise Denied(f"there is no vault from which the secret {ref.path!r:.200} could be taken")
        if to.scheme != "https" and not is_inward(to.host):
            raise Denied(f"a secret goes to {to.host} through https only")
        secret = await self._vault.resolve(ref, mad=who.mad, principal=who.principal, tenant=who.tenant, host=to.door)
        sent.fill(name, secret, ref)

    async def _body(
        self, response: Response, hop: _Hop, headers: dict[str, str], limit: int, echo: Echo
    ) -> AsyncGenerator[bytes]:
        length = headers.pop("content-length", "")
        encoding = headers.pop("content-encoding", "")
        if hop.method == "HEAD":
            return
        if length.isdecimal() and int(length[:20]) > limit:
            raise too_large(hop.to.place, limit)
        with told(hop.to):
            async for piece in echo.body(capped(aiter(response), encoding, limit, hop.to.place)):
                yield piece

    async def _pool(self, mad: str) -> Pool:
        """Return the connections of `mad`, which nobody shares: what one was granted is no way for another."""
        if mad not in self._pools:
            if self._context is None:  # reading who is trusted takes a tenth of a second
                self._context = asyncio.ensure_future(asyncio.to_thread(_context, self._authorities))
            context = await asyncio.shield(self._context)
            network = CheckedNetwork(self._resolve)
            self._pools[mad] = self._pools.get(mad) or Pool(network, context)
        return self._pools[mad]


def _request(hop: _Hop, sent: Sent, content: bytes) -> Request:
    given = {name.lower() for name in hop.headers}
    own = {"host": hop.to.authority, "user-agent": AGENT, "accept": "*/*", "accept-encoding": ACCEPTED}
    headers = [(name.encode(), value.encode()) for name, value in own.items() if name not in given]
    if content or hop.method in ("POST", "PUT", "PATCH"):
        headers.append((b"content-length", str(len(content)).encode()))
    return Request(hop.method, hop.to, (*headers, *sent.pairs), content)


def _context(authorities: str | None) -> ssl.SSLContext:
    """Return whom connections trust: those of `authorities`, a file, else those whom everybody does."""
    import certifi  # noqa: PLC0415  not before somebody asks for something

    return ssl.create_default_context(cafile=authorities or certifi.where())
