"""The MADs that the tests of durable commands put in every place."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast

from mads import Clock, InvalidMessage, Kept, Reject, Send, Turn, mad, message, tool


@message
class Letter:
    """A text, and what its handler does with it: in each attempt up to `times` it will do as `how` says."""

    text: str
    how: str = ""
    times: int = 1_000


@message
class Seen:
    """What a handler was given."""

    text: str
    attempt: int
    key: str | None
    who: str
    conversation: str | None
    pid: int


@message
class Busy:
    """A letter is being read, or no longer is."""

    text: str
    begins: bool


@mad
class Desk:
    """You read letters, and remember each."""

    seen: Kept[Seen]
    busy: Kept[Busy]
    turn: Turn
    clock: Clock

    @tool
    async def read(self, letter: Letter) -> None:
        """Read a letter."""
        turn = self.turn
        who = f"{turn.tenant}/{turn.principal}"
        await self.seen.add(Seen(letter.text, turn.attempt, turn.key, who, turn.conversation, os.getpid()))
        await self.busy.add(Busy(letter.text, begins=True))
        if turn.attempt <= letter.times:
            await self._do(letter.how)
        await self.busy.add(Busy(letter.text, begins=False))

    async def _do(self, how: str) -> None:
        match how:
            case "fail":
                raise ValueError("bad handwriting")
            case "reject":
                raise Reject("nobody of that name")
            case "refuse":
                raise InvalidMessage("no stamp")
            case "exit":
                os._exit(7)
            case "hang":
                await asyncio.Event().wait()
            case "":
                await self.clock.sleep(0.001)
            case _:
                await self.clock.sleep(float(how))

    @tool
    async def leaf(self) -> AsyncIterator[int]:
        """Stream."""
        yield 1

    @tool(read_only=True)
    async def all(self) -> list[Seen]:
        """Return what was read."""
        return await self.seen.where()

    @tool(read_only=True)
    async def course(self) -> list[Busy]:
        """Return when each reading began and ended, in that order."""
        return await self.busy.where()


@mad
class Courier:
    """You send letters to the desk."""

    desk: Desk
    send: Send
    turn: Turn

    @tool
    async def post(
        self,
        letter: Letter,
        key: str | None = None,
        once: str | None = None,
        after: float = 0,
        within: float | None = None,
    ) -> int:
        """Send a letter; return the number on the receipt."""
        limit = None if within is None else timedelta(seconds=within)
        receipt = await self.send(
            self.desk.read, letter, key=key, once=once, after=timedelta(seconds=after), within=limit
        )
        return receipt.id

    @tool
    async def remind(self, text: str) -> int:
        """Send a command to a tool of one's own; return the number on the receipt."""
        return (await self.send(self.note, text)).id

    @tool
    async def note(self, text: str) -> None:
        """Tell the desk who was asked, and by which command."""
        await self.desk.read(Letter(f"{text} {self.turn.command} {self.turn.attempt}"))

    @tool
    async def stray(self) -> None:
        """Send to what is no tool, against all types."""
        await self.send(self._hidden)

    async def _hidden(self) -> None:
        pass

    @tool
    async def stream(self) -> None:
        """Send what streams, against all types."""
        await self.send(cast("Any", self.desk.leaf))

    @tool
    async def mistake(self) -> None:
        """Send a letter that is none, against all types."""
        await self.send(cast("Any", self.desk.read), 5)
