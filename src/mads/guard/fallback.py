"""What stands in: where a tool is off, broken or not there, its caller gets what is declared to stand in for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from msgspec import Raw, Struct
from msgspec.structs import replace

from mads.wire.call import Call, Handle, Layer, Reply
from mads.wire.record import Decision
from mads.wire.served import LayerFor, Served

AWAY = ("stopped", "broken", "no_responder")
"""How a call fails of which nothing was done."""

LOST = (*AWAY, "lost")
"""How a call fails that may be made once more where it changes nothing."""


class Instead(Struct, frozen=True):
    """What stands in for a tool: another to `use`, by canonical name, or a `value` in bytes."""

    use: str
    value: bytes = b""


Ask = Callable[[Call, str], Awaitable[Reply]]
"""Makes the call again on behalf of its callee, of the tool of that name."""


class Fallbacks:
    """What stands in for which tools, by canonical name; only who may call the tool gets it.

    A command has none: it is kept until the tool itself can do it.
    """

    def __init__(self, instead: Mapping[str, Instead], access: LayerFor, ask: Ask) -> None:
        self._instead, self._access, self._ask = instead, access, ask
        self._answers: dict[str, tuple[Served, Handle]] = {}

    def layer(self, served: Served) -> Layer:
        """Return the layer round `served`."""
        name = f"mads.{served.mad}.{served.name}"
        if name not in self._instead or served.kind in ("event", "timer"):
            return lambda handle: handle
        self._answers[name] = served, self._access(served)(self._answer)

        def layer(handle: Handle) -> Handle:
            async def falling(call: Call) -> Reply:
                return await self.after(call, await handle(call))

            return falling

        return layer

    async def after(self, call: Call, reply: Reply) -> Reply:
        """Return `reply`, or what stands in for it where it is that nobody answers."""
        found = self._answers.get(call.subject) if reply.failure is not None else None
        if found is None or reply.failure is None or call.command is not None:
            return reply
        served, answer = found
        if reply.failure.code not in (LOST if served.read_only else AWAY):
            return reply
        better = await answer(call)
        rule = f"{self._said(call.subject)}, for it is {reply.failure.code}: {reply.failure.message}"
        if better.failure is not None:
            failure = replace(reply.failure, cause=better.failure)
            return replace(reply, failure=failure, decisions=(*reply.decisions, *better.decisions))
        decisions = (*reply.decisions, Decision("fallback", allowed=True, rule=rule), *better.decisions)
        return replace(better, decisions=decisions)

    def _said(self, name: str) -> str:
        use = self._instead[name].use
        return f"{use} answered in its place" if use else "a value of mads.toml was answered in its place"

    async def _answer(self, call: Call) -> Reply:
        instead = self._instead[call.subject]
        return await self._ask(call, instead.use) if instead.use else Reply(Raw(instead.value))
