"""Secrets, for whoever may see to them: written, listed, dropped, revealed, wrapped; each noted before the answer."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256

from mads.author.secrets import Revealed, SecretInfo, Wrapped
from mads.guard.credential import check_name
from mads.guard.principals import OPERATOR, whose
from mads.secrets.access import Access, Note
from mads.secrets.envelope import wipe
from mads.secrets.paths import check_host, check_path
from mads.secrets.safe import About, Safe
from mads.secrets.vault import StoredVault
from mads.store.secrets.port import Envelope
from mads.wire.call import Call, current
from mads.wire.errors import Denied, InvalidMessage, MadsError, UsageError
from mads.wire.secret import SecretRef

LONGEST = 10 * 366 * 86_400
"""Seconds that a span may be: ten years."""

SHORTEST = 0.001

NOBODY_KNOWS = 32
"""Random bytes of a secret that is made here, and of a token."""


class SecretsDesk:
    """The secrets in `safe`, for whoever makes the call being handled; `note` is the audit."""

    def __init__(self, safe: Safe, vault: StoredVault, note: Note, now: Callable[[], int]) -> None:
        self._safe, self._vault, self._note, self._now = safe, vault, note, now

    async def handle(self, path: str, *, version: int | None) -> SecretRef:
        """Return a handle of a secret, to a MAD one that it was granted."""
        call = _call()
        mad, identity = (call.identity.chain or ("",))[-1], call.identity
        return await self._vault.handle(path, version, mad=mad, principal=identity.principal, tenant=identity.tenant)

    async def put(
        self,
        path: str,
        value: str | None,
        *,
        hosts: Sequence[str] | None,
        lasts: float | None,
        grace: float,
        expect: int | None,
        tenant: str,
    ) -> SecretInfo:
        """Write the next version, one that nobody knows where `value` is None; the one before is good for `grace`."""
        check_path(path)
        for host in hosts or ():
            check_host(host)
        tenant, now = _tenant(tenant), self._now()
        before = await self._before(tenant, path, needed=value is None)
        if lasts is None and value is None and before is not None and before.expires is not None:
            lasts = (before.expires - before.made) / 1000
        secret = secrets.token_urlsafe(NOBODY_KNOWS).encode() if value is None else value.encode()
        about = About(
            hosts=tuple(hosts) if hosts is not None else before.hosts if before else (),
            expires=None if lasts is None else now + milliseconds("lasts", lasts, least=SHORTEST),
            marks=(await self._vault.marker()).marks(secret),
        )
        span = milliseconds("grace", grace)
        await self._noted(path, tenant, "replaced" if value is None else "written")
        envelope = await self._safe.put(tenant, path, secret, about, expect=expect, grace=span)
        self._vault.changes += 1
        return _info(envelope)

    async def all(self, prefix: str, *, tenant: str) -> Sequence[SecretInfo]:
        """Return every secret whose path begins so."""
        of = whose(_call().identity, tenant)
        found = [it for it in await self._vault.secrets() if of in (None, it.tenant)]
        return [_info(it) for it in found if it.path.startswith(prefix)]

    async def drop(self, path: str, *, tenant: str) -> None:
        """Forget a secret, every version of it."""
        check_path(path)
        tenant = _tenant(tenant)
        await self._noted(path, tenant, "deleted")
        await self._safe.drop(tenant, path)
        self._vault.changes += 1

    async def reveal(self, path: str, *, version: int | None, tenant: str) -> Revealed:
        """Return a secret in plain, to a person and not to a MAD."""
        await self._refuse_mads(path, "be shown")
        check_path(path)
        tenant = _tenant(tenant)
        envelope = await self._safe.find(tenant, path, version)
        await self._noted(path, tenant, f"revealed version {envelope.version}")
        return _revealed(path, await self._safe.opened(envelope))

    async def wrap(self, path: str, *, lasts: float, tenant: str) -> Wrapped:
        """Return a token for whoever is to have a secret, once."""
        await self._refuse_mads(path, "be wrapped")
        check_path(path)
        tenant = _tenant(tenant)
        envelope = await self._safe.find(tenant, path)
        until = self._now() + milliseconds("lasts", lasts, least=SHORTEST)
        await self._noted(path, tenant, f"wrapped version {envelope.version} for one who asks")
        value, token = await self._safe.opened(envelope), secrets.token_urlsafe(NOBODY_KNOWS)
        try:
            body = path.encode() + b"\0" + value
            await self._safe.put("", _wrapping(token), body, About(expires=until), expect=0)
        finally:
            wipe(value)
        return Wrapped(token=token, until=_written(until))

    async def unwrap(self, token: str) -> Revealed:
        """Return what a token is for, and forget it."""
        await self._refuse_mads("a token", "be unwrapped")
        where = _wrapping(token)
        await self._noted(where, "", "unwrapped")
        body = await self._safe.take("", where)
        if body is None:
            await self._note(Access(path=where, tenant="", rule="a token that opens nothing", allowed=False))
            raise Denied("this token opens nothing: it was used, or is over, or was never one; ask for a new one")
        path, _, value = body.partition(b"\0")
        return _revealed(path.decode(), value)

    async def _before(self, tenant: str, path: str, *, needed: bool) -> Envelope | None:
        """Return the newest version, which may have expired; raise `InvalidMessage` where one is `needed`."""
        newest = await self._safe.newest(tenant, path)
        if needed and newest is None:
            raise InvalidMessage(f"there is no secret {path!r} to replace; write it: mads secret set {path}")
        return newest

    async def _refuse_mads(self, path: str, what: str) -> None:
        """Raise `Denied` where a MAD asks: whatever it is told may be told to a model."""
        identity = _call().identity
        if chain := identity.chain:
            await self._note(Access(path=path[:300], tenant=identity.tenant, rule=f"may not {what}", allowed=False))
            raise Denied(
                f"a secret may not {what} for a MAD, and {chain[-1]} is one; it gets a handle: self.secrets(…)"
            )

    async def _noted(self, path: str, tenant: str, rule: str) -> None:
        await self._note(Access(path=path, tenant=tenant, rule=rule))


def _call() -> Call:
    call = current.get()
    if call is None:
        raise MadsError("nobody asks for a secret outside of a call")
    return call


def _tenant(asked: str) -> str:
    """Return whose secret is meant."""
    identity = _call().identity
    if identity.principal != OPERATOR:
        whose(identity, asked)
    return checked(asked or identity.tenant)


def checked(tenant: str) -> str:
    """Return a tenant that may have secrets; raise `InvalidMessage` where none can be called so."""
    try:
        check_name("the tenant", tenant)
    except UsageError as error:
        raise InvalidMessage(str(error)) from None
    return tenant


def milliseconds(what: str, seconds: float, *, least: float = 0.0) -> int:
    """Return a span in milliseconds; raise `InvalidMessage` where there is none like it."""
    if not least <= seconds <= LONGEST:
        raise InvalidMessage(f"{what} is {seconds!r} seconds; write a span between nothing and ten years")
    return round(seconds * 1000)


def _wrapping(token: str) -> str:
    return f"~wrap/{sha256(token.encode()).hexdigest()}"


def _revealed(path: str, value: bytearray) -> Revealed:
    try:
        return Revealed(path=path, value=value.decode())
    except UnicodeDecodeError:
        return Revealed(path=path, value=base64.b64encode(value).decode(), encoding="base64")
    finally:
        wipe(value)


def _info(it: Envelope) -> SecretInfo:
    expires = "" if it.expires is None else _written(it.expires)
    return SecretInfo(
        path=it.path, tenant=it.tenant, version=it.version, hosts=it.hosts, made=_written(it.made), expires=expires
    )


def _written(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="seconds")
