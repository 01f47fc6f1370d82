"""API keys, for the operator: made, replaced and revoked in the store, and known on the ring from then on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Self

import structlog

from mads.author.entry import NewKey
from mads.guard import credential, scopes
from mads.guard.keys import KeyRing, new_secret, written
from mads.guard.principals import DEVELOPER, only_operator, theirs
from mads.host.audit import Trail
from mads.host.commands.envelope import LONGEST, now_ms
from mads.store.keys.port import Key, Keys, Terms
from mads.wire.errors import InvalidMessage, UsageError
from mads.wire.status import KeyInfo
from mads.wire.tools import ToolInfo

Tools = Callable[[], Sequence[ToolInfo]]


class KeyDesk:
    """The keys in `store`, and on `ring`; `tools` are what their scopes can be for. `open` makes one."""

    def __init__(self, store: Keys, audit: Trail, tools: Tools) -> None:
        self.ring = KeyRing()
        self._store, self._audit, self._tools = store, audit, tools
        self._keys: dict[int, Key] = {}

    @classmethod
    async def open(cls, store: Keys, audit: Trail, tools: Tools) -> Self:
        """Return a desk that knows what is in `store`."""
        desk = cls(store, audit, tools)
        for key in await store.all():
            desk._know(key)
        return desk

    def all(self) -> Sequence[KeyInfo]:
        """Return every key, by id; to whoever is no operator, of its tenant."""
        tenant = theirs()
        return [_info(key) for key in self._keys.values() if tenant in (None, key.terms.tenant)]

    async def new(
        self, principal: str, tenant: str, roles: Sequence[str], scopes: Sequence[str], lasts: float | None
    ) -> NewKey:
        """Make a key that is good for so many seconds; None is for ever."""
        only_operator("make keys")
        self._check(principal, tenant, roles, scopes, lasts)
        made = now_ms()
        terms = Terms(
            principal=principal,
            tenant=tenant,
            roles=tuple(roles),
            scopes=tuple(scopes),
            made=made,
            expires=None if lasts is None else made + round(lasts * 1000),
        )
        secret, digest = new_secret()
        return await self._made(await self._store.add(digest, terms), secret)

    async def rotate(self, key: int, grace: float) -> NewKey:
        """Make a key like another, for as long as that was for; the other is good for `grace` seconds more."""
        only_operator("rotate keys")
        if not 0 <= grace <= LONGEST:
            raise InvalidMessage(f"grace is {grace!r} seconds; write a span between nothing and ten years")
        old, made = self._found(key).terms, now_ms()
        lasts = None if old.expires is None else old.expires - old.made
        terms = Terms(
            principal=old.principal,
            tenant=old.tenant,
            roles=old.roles,
            scopes=old.scopes,
            made=made,
            expires=None if lasts is None else made + lasts,
        )
        secret, digest = new_secret()
        replaced = await self._store.replace(key, digest, terms, until=made + round(grace * 1000))
        if replaced is None:
            raise InvalidMessage(f"key {key} was revoked; make another: mads key new {old.principal}")
        self._know(replaced[0])
        return await self._made(replaced[1], secret)

    async def revoke(self, key: int) -> KeyInfo:
        """Make a key worth nothing, at once."""
        only_operator("revoke keys")
        self._found(key)
        revoked = await self._store.revoke(key, now=now_ms())
        if revoked is None:
            raise InvalidMessage(f"key {key} was revoked already")
        self._know(revoked)
        structlog.get_logger().info("key revoked", key=key, principal=revoked.terms.principal)
        await self._audit.changed("key", f"key {key}", "revoked")
        return _info(revoked)

    def _check(
        self, principal: str, tenant: str, roles: Sequence[str], scoped: Sequence[str], lasts: float | None
    ) -> None:
        try:
            credential.check_principal(principal)
            for what, name in [("the tenant", tenant), *(("the role", role) for role in roles)]:
                credential.check_name(what, name)
            scopes.check(scoped)
        except UsageError as error:
            raise InvalidMessage(str(error)) from None
        for scope in scoped:
            if not scopes.fitting(scope, self._tools()):
                raise InvalidMessage(f"no tool here fits the scope {scope!r}; mads show lists the MADs that there are")
        if not scoped:
            raise InvalidMessage(f"a key without a scope opens nothing; {scopes.EVERYTHING!r} is for everything")
        if lasts is not None and not 0 < lasts <= LONGEST:
            raise InvalidMessage(f"lasts is {lasts!r} seconds; write a span between nothing and ten years")

    def _found(self, key: int) -> Key:
        if key not in self._keys:
            raise InvalidMessage(f"there is no key {key}; mads key list shows those that there are")
        return self._keys[key]

    def _know(self, key: Key) -> None:
        self._keys[key.id] = key
        self.ring.put(key)

    async def _made(self, key: Key, secret: str) -> NewKey:
        self._know(key)
        terms = key.terms
        structlog.get_logger().info("key made", key=key.id, principal=terms.principal)
        instead = f" instead of key {key.replaces}" if key.replaces else ""
        what = f"made{instead} for {terms.principal} of {terms.tenant}: {' '.join(terms.scopes)}"
        await self._audit.changed("key", f"key {key.id}", what)
        return NewKey(written=written(key.id, secret), info=_info(key))


def _info(key: Key) -> KeyInfo:
    terms = key.terms
    expired = terms.expires is not None and terms.expires <= now_ms()
    return KeyInfo(
        id=key.id,
        principal=terms.principal,
        tenant=terms.tenant,
        roles=terms.roles or (DEVELOPER,),
        scopes=terms.scopes,
        made=_written(terms.made),
        expires=None if terms.expires is None else _written(terms.expires),
        state="revoked" if key.revoked is not None else "expired" if expired else "good",
        replaces=key.replaces or 0,
    )


def _written(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")
