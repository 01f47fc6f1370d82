"""The MADs that the behaviour tests put in every place."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from mads import (
    CallError,
    Denied,
    Emit,
    Kept,
    Log,
    Random,
    Sensitive,
    Turn,
    Workers,
    every,
    mad,
    message,
    on,
    prose,
    tool,
)
from mads.bus.unix import Link
from mads.wire.call import current

if TYPE_CHECKING:
    from mads import Clock


class MuteError(Exception):
    """An error that breaks where its words are asked for."""

    def __str__(self) -> str:
        """Break."""
        raise RuntimeError


class WildError(BaseException):
    """An error that is none of the usual ones."""


OUTRAGES: dict[str, BaseException] = {
    "exit": SystemExit(3),
    "interrupt": KeyboardInterrupt(),
    "close": GeneratorExit(),
    "cancel": asyncio.CancelledError(),
    "wild": WildError("!"),
    "mute": MuteError(),
}


@message
class Leaf:
    """A value that cannot change."""

    text: str


@message
class Basket:
    """A value that holds something which can."""

    leaves: list[str]


@message
class Secret:
    """A word that must not be said."""

    name: str
    word: Sensitive[str]


@message
class Fell:
    """A leaf fell."""

    leaf: Leaf


@mad
class Tree:
    """You are a tree: you keep leaves, drop them, and say where you stand."""

    leaves: Kept[Leaf]
    emit: Emit
    turn: Turn
    clock: Clock
    random: Random
    workers: Workers
    log: Log
    rings: int = 0

    @tool(read_only=True)
    async def where(self) -> int:
        """Return the process in which this tool runs."""
        return os.getpid()

    @tool
    async def grow(self, leaf: Leaf) -> int:
        """Keep a leaf and return how many there are."""
        await self.leaves.add(leaf)
        return len(await self.leaves.where())

    @tool(read_only=True)
    async def all(self) -> list[Leaf]:
        """Return every leaf."""
        return await self.leaves.where()

    @tool(destructive=True)
    async def fell(self) -> int:
        """Forget every leaf."""
        return await self.leaves.remove()

    @tool
    async def drop(self, leaf: Leaf) -> None:
        """Tell everyone that a leaf fell."""
        await self.emit(Fell(leaf))

    @tool(read_only=True)
    async def left(self) -> float:
        """Return the seconds left for this call."""
        return self.turn.remaining

    @tool(read_only=True)
    async def principal(self) -> str:
        """Return who stands at the start of the chain."""
        return self.turn.principal

    @tool(read_only=True)
    async def noted(self) -> str:
        """Look for notes where no handler should."""
        call = current.get()
        return repr(call.notes if call else None)

    @tool
    async def sway(self, seconds: float) -> str:
        """Take a while."""
        self.turn.progress(1, 2, "swaying")
        await self.clock.sleep(seconds)
        self.turn.progress(2, 2)
        return "still"

    @tool
    async def block(self, seconds: float) -> None:
        """Hold up the loop."""
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            pass

    @tool
    async def count(self, upto: int) -> AsyncIterator[int]:
        """Count, one ring at a time; a reader that leaves stops it."""
        try:
            for number in range(upto):
                self.rings = number
                yield number
        except (GeneratorExit, asyncio.CancelledError):
            await self.leaves.add(Leaf(f"stopped at {self.rings}"))
            raise

    @tool(read_only=True)
    async def carve(self, bark: bytes, since: datetime) -> bytes:
        """Return bark and the year in which it was carved."""
        return bark + str(since.year).encode()

    @tool
    async def work(self, number: int) -> int:
        """Do something heavy in a worker; return its process."""
        del number
        return await self.workers.run(os.getpid)

    @tool
    async def break_(self, how: str) -> Leaf:
        """Fail in one of several ways."""
        if how == "raise":
            raise ValueError("a branch broke")
        if how == "deny":
            raise Denied("not in winter")
        if how == "lie":
            lie: Any = "not a leaf"
            return cast("Leaf", lie)
        if how in OUTRAGES:
            raise OUTRAGES[how]
        if how == "let go":
            gc.unfreeze()
            for link in [thing for thing in gc.get_objects() if isinstance(thing, Link)]:
                await link.close()
            await asyncio.sleep(60)
        os._exit(7)

    @tool
    async def confide(self, secret: Secret, pin: Sensitive[int]) -> None:
        """Say to the log what must not be said, in every way, and fail with it."""
        told = f"the word is {secret.word}"
        self.log.info(told, secret=secret, all={"it": [secret]}, pin=pin, name=secret.name)
        raise ValueError(secret.word)

    @tool
    async def whereabouts(self) -> list[str]:
        """Return what to send along where one calls others by oneself."""
        return [self.turn.traceparent, self.turn.tracestate, self.turn.baggage]

    @tool
    async def whisper(self, text: str) -> None:
        """Say something to the log."""
        self.log.info("whispered", text=text, trace="mine")

    @tool
    async def change(self, basket: Basket) -> int:
        """Return what was in a basket when it was sent, after a while."""
        await self.clock.sleep(0.05)
        return len(basket.leaves)

    @prose
    async def answer(self, text: str) -> Leaf:
        """Answer prose."""
        return Leaf(f"the wind says {text}")


@mad
class Gardener:
    """You look after a tree, and hear what falls."""

    tree: Tree
    heard: Kept[Leaf]
    beats: Kept[Leaf]
    turn: Turn
    log: Log
    later: asyncio.Task[None] | None = None

    @on(Fell)
    async def rake(self, event: Fell) -> None:
        """Keep what fell."""
        if event.leaf.text == "slow":
            await asyncio.sleep(0.4)
        await self.heard.add(event.leaf)

    @every(seconds=0.05)
    async def beat(self) -> None:
        """Leave a mark."""
        await self.beats.add(Leaf("beat"))

    @tool(read_only=True)
    async def raked(self) -> list[Leaf]:
        """Return what fell."""
        return await self.heard.where()

    @tool(read_only=True)
    async def marks(self) -> int:
        """Return how often the timer ran."""
        return len(await self.beats.where())

    @tool
    async def left_below(self) -> float:
        """Return the seconds that a call of this call has."""
        return await self.tree.left()

    @tool
    async def sway_below(self, seconds: float) -> str:
        """Let the tree sway."""
        return await self.tree.sway(seconds)

    @tool
    async def fell_below(self) -> int:
        """Ask for what is destructive."""
        return await self.tree.fell()

    @tool
    async def fell_later(self) -> None:
        """Begin what goes on after the call has ended, and keep what came of it."""

        async def fell() -> None:
            await asyncio.sleep(0.1)
            try:
                await self.tree.fell()
            except CallError as error:
                await self.heard.add(Leaf(type(error).__name__))

        self.later = asyncio.create_task(fell())

    @tool
    async def prune(self, leaf: Leaf) -> None:
        """Have the tree drop a leaf, and a branch break."""
        await self.tree.drop(leaf)
        with suppress(CallError):
            await self.tree.break_("raise")

    @tool
    async def whereabouts(self) -> list[list[str]]:
        """Return what to send along from here, and from below."""
        return [[self.turn.traceparent, self.turn.tracestate, self.turn.baggage], await self.tree.whereabouts()]

    @tool
    async def whisper_below(self, text: str) -> None:
        """Have the tree say something to the log."""
        self.log.warning("asking")
        await self.tree.whisper(text)

    @tool
    async def break_below(self, how: str) -> str:
        """Ask for what fails."""
        return (await self.tree.break_(how)).text

    @tool
    async def principal_below(self) -> str:
        """Return whom the tree sees."""
        return await self.tree.principal()


@mad
class Ping:
    """You call Pong, who calls you back."""

    pong: Pong

    @tool
    async def rally(self, strokes: int) -> int:
        """Return the strokes of a rally that starts here."""
        return 0 if strokes == 0 else 1 + await self.pong.rally(strokes - 1)


@mad
class Pong:
    """You call Ping, who calls you back."""

    ping: Ping

    @tool
    async def rally(self, strokes: int) -> int:
        """Return the strokes of a rally that starts here."""
        return 0 if strokes == 0 else 1 + await self.ping.rally(strokes - 1)
