"""The journal of steps: in the core a table beside the commands, in a child the way to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mads.bus.port import Bus, Subscription
from mads.guard.labels import Labels
from mads.host.caller import Caller
from mads.host.commands.dispatcher import Dispatcher
from mads.host.commands.together import Together
from mads.host.proxy import outcome
from mads.store.commands.port import Finished, Step, Steps
from mads.store.port import Taint
from mads.wire import codec
from mads.wire.call import Call, Reply, current
from mads.wire.errors import Denied, Failed

AT_ONCE = 64
"""How many requests are served at a time: what is kept together is committed together."""


class StoredJournal:
    """The journal in `store`, as MADs in the core see it; a child reaches it by `write` and `read`.

    `may_go_on` says of a command whether it may take its next step.
    A step has the `labels` of the call that takes it, and gives them to the one that recalls it.
    """

    def __init__(self, store: Steps, labels: Labels, may_go_on: Callable[[int], Awaitable[bool]]) -> None:
        self._store, self._labels, self.may_go_on = store, labels, may_go_on
        self._keeps = Together(store.keep)

    async def keep(self, step: Step) -> None:
        """Return once `step` is on disk."""
        call = current.get()
        await self.write(step, () if call is None else self._labels.of(call))

    async def result(self, command: int, name: str) -> bytes:
        """Return the result of a finished step."""
        call = current.get()
        return await self.read(command, name, None if call is None else call.id)

    async def write(self, step: Step, taint: Taint) -> None:
        """Return once `step`, taken by a call that has these labels, is on disk."""
        if not await self._keeps.ask(replace(step, taint=taint)):
            raise Failed(
                f"attempt {step.attempt} at command {step.command} has ended; step {step.name!r} came too late"
            )

    async def finished(self, command: int) -> Sequence[Finished]:
        """Return what earlier attempts have finished."""
        return await self._store.finished(command)

    async def read(self, command: int, name: str, reader: str | None) -> bytes:
        """Return the result of a finished step to the call of the id `reader`, which is labelled as it is."""
        found = await self._store.result(command, name)
        if found is None:
            raise Failed(f"command {command} is over; its step {name!r} is forgotten")
        body, taint = found
        self._labels.pick(reader, taint)
        return body


class Asked(Struct, frozen=True, forbid_unknown_fields=True):
    """Return the finished steps of a command, or the result of the one called `name`."""

    command: int
    name: str = ""


async def serve_journal(bus: Bus, journal: StoredJournal, dispatcher: Dispatcher) -> Subscription:
    """Serve `journal` on `bus`: to each MAD the steps of the commands that it is at work on."""

    async def keep(step: Step, call: Call) -> None:
        await journal.write(step, call.identity.labels)

    async def finished(asked: Asked, _: Call) -> Sequence[Finished]:
        return await journal.finished(asked.command)

    async def result(asked: Asked, call: Call) -> bytes:
        return await journal.read(asked.command, asked.name, call.cause)

    async def may_go_on(asked: Asked, _: Call) -> bool:
        return await journal.may_go_on(asked.command)

    verbs: dict[str, tuple[type[Step | Asked], Callable[[Any, Call], Awaitable[Any]]]] = {
        "host.steps.keep": (Step, keep),
        "host.steps.finished": (Asked, finished),
        "host.steps.result": (Asked, result),
        "host.steps.may_go_on": (Asked, may_go_on),
    }

    async def serve(call: Call) -> Reply:
        type_, do = verbs[call.subject]
        asked = codec.decode(codec.raw(call.body), type_)
        chain = call.identity.chain
        if not chain or not dispatcher.handles(chain[-1], asked.command):
            who = ".".join(chain) or call.identity.principal
            raise Denied(f"{who!r} is not at work on command {asked.command}; steps are for its handler")
        return Reply(codec.raw(await do(asked, call)))

    return await bus.subscribe(tuple(verbs), serve, group="host.steps", at_once=AT_ONCE, capacity=1024)


class RemoteJournal:
    """The journal that the core serves on `bus`, as a child sees it."""

    def __init__(self, bus: Bus, caller: Caller) -> None:
        self._bus, self._caller = bus, caller

    async def keep(self, step: Step) -> None:
        """Return once `step` is on disk."""
        await self._ask("host.steps.keep", step, type(None))

    async def finished(self, command: int) -> Sequence[Finished]:
        """Return what earlier attempts have finished."""
        found: list[Finished] = await self._ask("host.steps.finished", Asked(command), list[Finished])
        return found

    async def result(self, command: int, name: str) -> bytes:
        """Return the result of a finished step."""
        found: bytes = await self._ask("host.steps.result", Asked(command, name), bytes)
        return found

    async def may_go_on(self, command: int, /) -> bool:
        """Return whether the command may take its next step."""
        may: bool = await self._ask("host.steps.may_go_on", Asked(command), bool)
        return may

    async def _ask(self, subject: str, body: Step | Asked, type_: Any) -> Any:
        reply = await self._bus.request(self._caller.call(subject, codec.raw(body)))
        return outcome(reply, type_, subject)
