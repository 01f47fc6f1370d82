"""The events of one system: what there is to hear, who hears it, and an event published by hand."""

from __future__ import annotations

import re
import sys
from collections.abc import Container, Mapping, Sequence
from typing import Any, cast

from mads.author.declaration import Declaration
from mads.author.message import is_message, message_mark, subject, wire_name
from mads.author.schema import event_info
from mads.author.sensitive import HIDDEN
from mads.author.signals import SIGNALS
from mads.bus.port import Bus
from mads.host.caller import Caller
from mads.observe.redact import redactor
from mads.wire import codec
from mads.wire.call import EVENT
from mads.wire.errors import CallError, InvalidMessage
from mads.wire.status import EventInfo


def events_of(declared: Mapping[str, Declaration]) -> dict[type[Any], tuple[str, ...]]:
    """Return every event of the system with the MADs that hear it.

    Those are the ones that some MAD hears, the critical ones that stand in a module of a MAD, and the host's own.
    """
    heard: dict[type[Any], list[str]] = {}
    for mad, read in declared.items():
        for listener in read.listeners:
            heard.setdefault(listener.event, []).append(mad)
        for thing in vars(sys.modules[read.cls.__module__]).values():
            if is_message(thing) and message_mark(thing).critical:
                heard.setdefault(thing, [])
    for signal in SIGNALS:
        heard.setdefault(signal, [])
    return {event: tuple(mads) for event, mads in heard.items()}


def reshaped(declared: Mapping[str, Declaration], mad: str, replaced: Container[str]) -> dict[str, tuple[str, ...]]:
    """Return the events that are others since the modules in which they stood were `replaced` for `mad`.

    With each go the MADs beside `mad` that hear it as it was in `declared`.
    """
    found: dict[str, tuple[str, ...]] = {}
    for event, mads in events_of(declared).items():
        if event.__module__ in replaced:
            now = getattr(sys.modules[event.__module__], event.__name__, None)
            if now is None or event_info(now, ()) != event_info(event, ()):
                found[wire_name(event)] = tuple(other for other in mads if other != mad)
    return found


class Events:
    """The events of the MADs in `declared`; what is published by hand comes from `caller`."""

    def __init__(self, declared: Mapping[str, Declaration], bus: Bus, caller: Caller) -> None:
        self.heard = events_of(declared)
        self._bus, self._caller = bus, caller

    def infos(self) -> Sequence[EventInfo]:
        """Return what each event says of itself."""
        return [event_info(event, mads) for event, mads in self.heard.items()]

    async def emit(self, name: str, body: dict[str, Any]) -> int:
        """Publish an event by its wire name, or any unambiguous ending of it; return how many MADs hear it.

        Raises `InvalidMessage` where it is none or does not fit; what a critical event may not be is the gate's to say.
        """
        type_, subject_ = self._named(name)
        try:
            travelling = codec.raw(codec.fit(body, type_))
        except InvalidMessage:
            if not message_mark(type_).critical:
                raise
            travelling = codec.raw(body)
        try:
            await self._bus.publish(self._caller.call(subject_, travelling))
        except CallError as error:  # what is refused is the caller's own mistake, not one of the steward
            raise type(error)(str(error)) from None
        return len(self.heard[type_])

    def hide(self, asked: Any, found: list[Any]) -> Any:
        """Return the arguments of `emit` without what the event that they name calls sensitive, which goes to `found`.

        Of the body of an event that nobody knows, or that does not fit it, nothing is left.
        """
        if not isinstance(asked, dict):
            return HIDDEN
        given = cast("dict[str, Any]", asked)
        return {name: it if name == "event" else self._bare(given, it, found) for name, it in given.items()}

    def _bare(self, given: dict[str, Any], body: Any, found: list[Any]) -> Any:
        try:
            type_, subject_ = self._named(str(given.get("event")))
            hide = redactor(cast("Any", type_))
            bare = body if hide is None else hide.hide(body, found)
            codec.fit(body, type_)
        except InvalidMessage:
            return HIDDEN
        return bare if subject_ == subject(type_) else HIDDEN

    def _named(self, name: str) -> tuple[type[Any], str]:
        """Return the event that goes by `name`, and its subject; a critical one may be meant in another version."""
        base, version = re.fullmatch(r"(.*?)(\.v\d+)?", name, re.DOTALL).groups()  # type: ignore[union-attr]
        meant = [event for event in self.heard if f".{message_mark(event).name}".endswith(f".{base}")]
        fitting = [event for event in meant if version is None or wire_name(event).endswith(version)]
        if len(fitting) == 1:
            return fitting[0], subject(fitting[0])
        critical = [event for event in meant if message_mark(event).critical]
        if len(critical) == 1 and not fitting:
            return critical[0], f"{EVENT}{message_mark(critical[0]).name}{version}"
        could = " or ".join(wire_name(event) for event in fitting)
        known = ", ".join(wire_name(event) for event in self.heard)
        raise InvalidMessage(f"event {name!r} " + (f"could be {could}" if could else f"is none of {known}"))
