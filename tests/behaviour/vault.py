"""The MADs that the tests of critical events put in every place: one that owns an event, and two that hear it."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from msgspec import Raw

from mads import Emit, Kept, SecurityEvent, StateChanged, mad, message, on, tool
from mads.author.message import subject
from mads.wire import codec


@message(critical=True, owner="vault", version=2)
class Rotated:
    """A secret has a new value."""

    name: str
    generation: int


@message
class Rumour:
    """Something that anybody may say."""

    text: str


@message
class Mark:
    """A trace of something that was heard."""

    text: str


@mad
class Vault:
    """You keep secrets, and say when one has changed."""

    emit: Emit

    @tool
    async def rotate(self, name: str) -> None:
        """Give a secret a new value."""
        await self.emit(Rotated(name, 2))

    @tool(destructive=True)
    async def burn(self) -> None:
        """Forget every secret."""

    @tool
    async def slip(self, name: str, generation: Any) -> None:
        """Emit what does not fit: a constructor checks nothing."""
        await self.emit(Rotated(name, generation))

    @tool
    async def smuggle(self, event: str, body: bytes) -> None:
        """Publish bytes, round the typed way."""
        emit = cast("Any", self.emit)
        await emit._bus.publish(emit._caller.call(f"event.{event}", Raw(body)))


@mad
class Thief:
    """You say what is not yours to say."""

    emit: Emit

    @tool
    async def pretend(self, name: str) -> None:
        """Emit an event that the vault owns."""
        await self.emit(Rotated(name, 3))

    @tool
    async def announce(self, now: str) -> None:
        """Emit an event that the host owns."""
        await self.emit(StateChanged("vault", "running", cast("Any", now)))

    @tool
    async def whisper(self, text: str) -> None:
        """Emit what anybody may."""
        await self.emit(Rumour(text))

    @tool
    async def ask(self, name: str) -> str:
        """Send an event as a request, to get past whoever looks at what is published."""
        emit = cast("Any", self.emit)
        reply = await emit._bus.request(emit._caller.call(subject(Rotated), codec.raw(Rotated(name, 4))))
        return reply.failure.code if reply.failure else "answered"


@mad
class Watch:
    """You hear what happens."""

    marks: Kept[Mark]
    alarms: Kept[SecurityEvent]

    @on(Rotated)
    async def rotated(self, event: Rotated) -> None:
        """Note a rotation."""
        await self.marks.add(Mark(f"{event.name} {event.generation}"))

    @on(Rumour)
    async def rumour(self, event: Rumour) -> None:
        """Note a rumour."""
        await self.marks.add(Mark(event.text))

    @on(SecurityEvent)
    async def alarm(self, event: SecurityEvent) -> None:
        """Note an attempt."""
        await self.alarms.add(event)

    @tool(read_only=True)
    async def heard(self) -> list[str]:
        """Return what was heard."""
        return [mark.text for mark in await self.marks.where()]

    @tool(read_only=True)
    async def alarmed(self, least: int) -> list[SecurityEvent]:
        """Return the attempts once there are so many."""
        while len(found := await self.alarms.where()) < least:
            await asyncio.sleep(0.01)
        return found


@mad
class Guard:
    """You hear it, too."""

    marks: Kept[Mark]

    @on(Rotated)
    async def rotated(self, event: Rotated) -> None:
        """Note a rotation."""
        await self.marks.add(Mark(event.name))

    @on(Rumour)
    async def rumour(self, event: Rumour) -> None:
        """Note a rumour."""
        await self.marks.add(Mark(event.text))

    @tool(read_only=True)
    async def heard(self) -> list[str]:
        """Return what was heard."""
        return [mark.text for mark in await self.marks.where()]


@mad
class Echo:
    """You answer every alarm with a mistake of your own, which is the next one."""

    emit: Emit

    @on(SecurityEvent)
    async def alarm(self, event: SecurityEvent) -> None:
        """Say what is not yours to say."""
        await self.emit(Rotated(event.kind, 5))
