"""Critical events: what is wrong with their classes, and the gate that each must pass to be published.

A critical event comes from the MAD that owns it, or from the operator by hand, and is all that its class says and no
more; any other is refused before anybody hears it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from mads.author.declaration import Declaration
from mads.author.message import message_mark, subject
from mads.author.signals import SIGNALS
from mads.guard.principals import OPERATOR
from mads.host.events.heard import events_of
from mads.host.events.signals import Signals
from mads.observe.redact import told
from mads.wire import codec
from mads.wire.call import EVENT, Call
from mads.wire.errors import CallError, Denied, InvalidMessage
from mads.wire.shape import loose


def mistakes(declared: Mapping[str, Declaration]) -> list[str]:
    """Return what keeps a critical event from being one, with the line to write, a line each."""
    events = events_of(declared)
    return [
        f"{event.__module__}.{event.__qualname__} is critical and {what}"
        for event, heard in events.items()
        if message_mark(event).critical and event not in SIGNALS
        for what in _mistakes(event, declared, heard)
    ]


def _mistakes(event: type[Any], declared: Mapping[str, Declaration], heard: tuple[str, ...]) -> Iterator[str]:
    name, owner = event.__name__, message_mark(event).owner
    if not owner:
        yield f'nobody answers for it; write @message(critical=True, owner="{next(iter(declared))}")'
    elif owner not in declared:
        yield (
            f"its owner {owner!r} is no MAD of this system, which has {', '.join(declared)}; "
            f'write @message(critical=True, owner="…") with one of them, or {owner} = "module:Class" under [mads]'
        )
    if not heard:
        yield f"nobody hears it; write @on({name}) above `async def …(self, event: {name}) -> None:` of a MAD"
    for place in loose(event):
        if not place:
            yield f"takes any field; write `class {name}(Struct, frozen=True, forbid_unknown_fields=True):`"
        else:
            yield f"{place!r} may be anything; give it a type of plain data, or a @message class with its fields"


Keep = Callable[[Call, str], Awaitable[int | None]]
"""What keeps a refused call and why it was; returns its number among the dead letters, None where it has none."""


class Gate:
    """What every event passes before it is published; `admit` is the bus's to call, `keep` is set by its owner."""

    keep: Keep | None = None

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._versions: dict[str, dict[str, type[Any]]] = {}

    def know(self, events: Collection[type[Any]]) -> None:
        """Hold from now on the critical ones among `events` to what their classes say."""
        versions: dict[str, dict[str, type[Any]]] = {
            _name(subject(event)): {} for event in events if message_mark(event).critical
        }
        for event in events:
            if (known := versions.get(_name(subject(event)))) is not None:
                known[subject(event)] = event
        self._versions = versions

    async def admit(self, call: Call) -> Call:
        """Return `call` as it may be published; raise `InvalidMessage` or `Denied` where a critical event may not."""
        try:
            return self.check(call)
        except CallError as error:
            error.request = call.id
            letter = None if self.keep is None else await self.keep(call, f"{error.code}: {error}")
            self._signals.attempted("event_refused", call, str(error), letter=letter)
            raise

    def check(self, call: Call) -> Call:
        """Return `call` as it may be published; raise where it may not, and tell nobody."""
        versions = self._versions.get(_name(call.subject))
        return call if versions is None else _checked(call, versions)


def _checked(call: Call, versions: Mapping[str, type[Any]]) -> Call:
    event = versions.get(call.subject)
    name = call.subject.removeprefix(EVENT)
    if event is None:
        known = ", ".join(known.removeprefix(EVENT) for known in versions)
        raise InvalidMessage(f"{name} is no version that this system knows: {known}")
    mark = message_mark(event)
    if not mark.critical:
        return call
    if not _may_emit(call, mark.owner):
        who = ".".join(call.identity.chain) or call.identity.principal
        raise Denied(f"{name} is critical: {mark.owner!r} may emit it, {who!r} may not")
    try:
        body = codec.raw(call.body)
        codec.decode(body, event)
    except InvalidMessage as error:
        why = told(str(error), event, codec.raw(call.body))
        raise InvalidMessage(f"{name} was refused, nobody hears of it: {why}") from None
    return replace(call, body=body)


def _may_emit(call: Call, owner: str) -> bool:
    chain = call.identity.chain
    return chain[-1:] == (owner,) or (not chain and call.identity.principal == OPERATOR)


def _name(subject_: str) -> str:
    """Return what all versions of an event have in common."""
    return subject_.rpartition(".")[0]
