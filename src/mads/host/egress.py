"""The need `Egress`: a MAD asks over the bus wherever it runs, and the core's broker does it, on record like any call.

On record are the method, the URL without its query, the names of the headers and the sizes; bodies are not.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from mads.author.outside import Arriving
from mads.author.vault import Fingerprints, Vault
from mads.bus.port import Bus, Stream, Subscription
from mads.egress.broker import Broker, For
from mads.egress.config import authorities
from mads.egress.grants import Grants
from mads.egress.target import target
from mads.guard.labels import Labels
from mads.host.caller import PATIENCE, Caller
from mads.host.config import Config
from mads.host.proxy import outcome, received
from mads.observe.record import Observer
from mads.observe.span import Watched
from mads.wire import codec
from mads.wire.call import Call, Reply
from mads.wire.errors import CallError, Denied, InvalidMessage
from mads.wire.failure import failure_of
from mads.wire.ids import span_ids
from mads.wire.record import Decision
from mads.wire.secret import SecretRef
from mads.wire.served import Served
from mads.wire.web import LARGEST, Answer, Ask, Head

ROOM = "egress"
REQUEST, STREAM, DECRYPT = f"{ROOM}.request", f"{ROOM}.stream", f"{ROOM}.decrypt"
AT_ONCE, CAPACITY = 256, 1024
NONE: Mapping[str, str | SecretRef] = MappingProxyType({})
IN_A_HEADER = """a secret goes where it is put in, in a header: headers={"Authorization": ref.shaped("Bearer {}")}"""


class Asked(Struct, frozen=True):
    """What is on record of a request."""

    method: str
    url: str
    headers: tuple[str, ...]
    size: int


class Answered(Struct, frozen=True):
    """What is on record of an answer that came as a whole."""

    status: int
    url: str
    size: int


class Used(Struct, frozen=True):
    """What is on record of a secret that was opened: which, and for whom."""

    path: str
    host: str


class _Open:
    """A request that is being made, and its answer once that is there."""

    def __init__(self, call: Call, ask: Ask) -> None:
        self.call, self.ask = call, ask
        self.answer: Answer | None = None


_open: ContextVar[_Open] = ContextVar("mads_egress_open")
"""The request of this task: what a call says of itself is its sender's to choose, and no way to tell two apart."""


class _Desk:
    """Serves the broker to whoever is on the bus, with the record round it."""

    def __init__(self, broker: Broker, observer: Observer, labels: Labels) -> None:
        self._broker, self._labels = broker, labels
        watched = _watched(observer)
        self._observed = observer.round(watched, dict.fromkeys(watched, self._handle), self._handle)

    async def serve(self, call: Call) -> Reply:
        """Do what is asked, and hand over all of it."""
        ask: Ask = codec.decode(codec.raw(call.body), Ask)
        it = _Open(call, ask)
        self._labels.pick(call.cause, self._labels.source(_asker(call)))
        token = _open.set(it)
        try:
            shown = Asked(ask.method[:40], _place(ask.url), tuple(ask.headers), len(ask.content))
            reply = await self._observed(replace(call, body=shown))
        finally:
            _open.reset(token)
        return reply if it.answer is None else Reply(codec.raw(it.answer))

    async def _handle(self, _: Call) -> Reply:
        it = _open.get()
        call, ask, identity = it.call, it.ask, it.call.identity
        if not identity.chain:
            raise Denied("only a MAD asks for what is outside; call one that does")
        who = For(_asker(call), identity.principal, identity.tenant)
        try:
            if call.subject == STREAM:
                return await self._stream(call, who, ask)
            it.answer, rules = await self._broker.answer(who, ask)
        except CallError as error:
            return Reply(failure=failure_of(error, where=ROOM, request=call.id), decisions=_refused(error, ask))
        answered = Answered(it.answer.status, _place(it.answer.url), len(it.answer.body))
        return Reply(answered, decisions=_allowed(rules))

    async def _stream(self, call: Call, who: For, ask: Ask) -> Reply:
        assert call.sink is not None
        async with self._broker.open(who, ask) as coming:
            await call.sink.item(codec.raw(coming.head))
            async for chunk in coming.chunks:
                await call.sink.item(chunk)
        return Reply(decisions=_allowed(coming.rules))


class _Watching:
    """A vault that is seen to open a secret, within the request that it is for."""

    def __init__(self, vault: Vault, observer: Observer) -> None:
        self._vault, self._observer, self._new_span = vault, observer, span_ids()
        cell = observer.meter.cell(ROOM, "decrypt")
        self._watched = Watched(Served(ROOM, "decrypt", asked=Used), cell, version="", place="here")

    async def resolve(self, ref: SecretRef, *, mad: str, principal: str, tenant: str, host: str) -> bytearray:
        """Return the secret behind `ref`, as the vault does."""
        above, span = _open.get().call, self._new_span()
        call = replace(
            above,
            subject=DECRYPT,
            body=Used(ref.path[:300], host),
            id=f"{above.id}.{span[8:]}",
            cause=above.id,
            parent=above.span,
            span=span,
            made=time.monotonic(),
            sink=None,
        )
        found = self._vault.resolve(ref, mad=mad, principal=principal, tenant=tenant, host=host)
        return await self._observer.seen(self._watched, call, found)

    async def fingerprints(self) -> Fingerprints:
        """Return what knows the secrets."""
        return await self._vault.fingerprints()


def broker_of(config: Config, vault: Vault, observer: Observer) -> Broker:
    """Return the broker by which MADs reach what each may, and the secrets of `vault` go with what they send."""
    mads = config.mads.items()
    return Broker(
        {mad: Grants(it.may) for mad, it in mads},
        vault=_Watching(vault, observer),
        outgoing={mad: it.outgoing for mad, it in mads},
        authorities=authorities(Path(config.root), config.egress),
    )


async def serve_egress(bus: Bus, broker: Broker, observer: Observer, labels: Labels) -> Subscription:
    """Serve `broker` on `bus`, to each MAD what it was granted; what comes from outside labels whoever is told."""
    desk = _Desk(broker, observer, labels)
    return await bus.subscribe((REQUEST, STREAM), desk.serve, group=ROOM, at_once=AT_ONCE, capacity=CAPACITY)


class HostEgress:
    """Requests over the bus, in the name of one MAD."""

    def __init__(self, bus: Bus, caller: Caller) -> None:
        self._bus, self._caller = bus, caller

    async def request(self, method: str, url: str, *, timeout: float = PATIENCE, **asked: Any) -> Answer:
        """Return the whole answer."""
        call = self._caller.call(REQUEST, _asked(method, url, **asked), timeout=timeout)
        answer: Answer = outcome(await self._bus.request(call), Answer, REQUEST)
        return answer

    @asynccontextmanager
    async def stream(
        self, method: str, url: str, *, timeout: float = PATIENCE, **asked: Any
    ) -> AsyncGenerator[Arriving]:
        """Yield the answer as it arrives."""
        call = self._caller.call(STREAM, _asked(method, url, **asked), timeout=timeout)
        async with self._bus.stream(call) as items:
            head = await anext(aiter(items), None)
            if head is None:
                outcome(items.reply, type(None), STREAM)
            yield _Stream(received(head, Head, STREAM, strict=False), items)


class _Stream:
    """An answer as it arrives over the bus."""

    def __init__(self, head: Head, items: Stream) -> None:
        self.status, self.headers, self.url = head.status, head.headers, head.url
        self._items = items

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for item in self._items:
            yield received(item, bytes, STREAM, strict=False)
        outcome(self._items.reply, type(None), STREAM)


def _asked(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str | SecretRef] = NONE,
    content: bytes | None = None,
    json: Any = None,
    limit: int = LARGEST,
    redirects: int = 5,
) -> Raw:
    """Return the request as it travels; raise `InvalidMessage` where it says two things, or none can be sent."""
    if json is not None:
        if content is not None:
            raise InvalidMessage("a request has content or json, not both")
        if _shows_a_handle(json):
            raise InvalidMessage(IN_A_HEADER)
        content = msgspec.json.encode(codec.plain(json))
        headers = {"content-type": "application/json", **headers}
    if isinstance(content, SecretRef):
        raise InvalidMessage(IN_A_HEADER)
    if len(content or b"") > LARGEST:
        raise InvalidMessage(f"a request of {len(content or b'')} bytes cannot be sent, {LARGEST} can")
    return codec.raw(Ask(method, url, dict(headers), content or b"", limit, redirects))


def _shows_a_handle(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_shows_a_handle, cast("Any", value).values()))
    if isinstance(value, list | tuple):
        return any(map(_shows_a_handle, cast("Any", value)))
    return isinstance(value, SecretRef)


def _asker(call: Call) -> str:
    """Return the MAD that asks for what is outside; empty where none does."""
    return call.identity.chain[-1] if call.identity.chain else ""


def _watched(observer: Observer) -> dict[str, Watched]:
    return {
        subject: Watched(
            Served(ROOM, subject.removeprefix(f"{ROOM}."), asked=Asked, answered=Answered),
            observer.meter.cell(ROOM, subject.removeprefix(f"{ROOM}.")),
            version="",
            place="here",
        )
        for subject in (REQUEST, STREAM)
    }


def _allowed(rules: Sequence[str]) -> tuple[Decision, ...]:
    return tuple(Decision(ROOM, allowed=True, rule=rule) for rule in rules)


def _refused(error: CallError, ask: Ask) -> tuple[Decision, ...]:
    if not isinstance(error, Denied):
        return ()
    return (Decision(ROOM, allowed=False, rule=f"{_place(ask.url)}{error.rule and f' ({error.rule})'}"),)


def _place(url: str) -> str:
    """Return `url` without what may be nobody's business; of what is none at all nothing is said."""
    try:
        return target(url).place
    except InvalidMessage:
        return "?"
