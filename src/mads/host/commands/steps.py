"""The need `Step`: what an attempt at a command has finished is written down, and no later attempt does it again."""

from __future__ import annotations

import asyncio
import inspect
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from mads.author.annotations import function_hints
from mads.host.commands.envelope import COMMAND
from mads.host.proxy import RemoteTool
from mads.host.version import version_of
from mads.observe.redact import misfit
from mads.store.commands.port import Finished, Step
from mads.wire import codec
from mads.wire.call import Band, Call, current
from mads.wire.errors import InvalidMessage, Reject
from mads.wire.failure import PARKED

NAME = 200
"""How many characters the name of a step may have."""
RESULT = 1024 * 1024
"""How many bytes its result may have."""
STEPS = 1_000
"""How many steps a command may have."""
KNOWN = 256
"""How many attempts are remembered: more than one MAD is given at a time."""


class Journal(Protocol):
    """Where finished steps are written down."""

    def keep(self, step: Step) -> Awaitable[None]:
        """Return once `step` is on disk; raise `CallError` where its attempt no longer counts."""
        ...

    async def finished(self, command: int) -> Sequence[Finished]:
        """Return what earlier attempts have finished."""
        ...

    async def result(self, command: int, name: str) -> bytes:
        """Return the result of a finished step."""
        ...

    def may_go_on(self, command: int, /) -> Awaitable[bool]:
        """Return whether the command may take its next step; False where it is to end, and is delivered again later."""
        ...


class _Work(NamedTuple):
    """What a step does: `name` for the journal, the type of its result, and what to call, a tool or a function."""

    name: str
    result: Any
    call: Callable[..., Any]

    async def do(self, command: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Do it."""
        if isinstance(self.call, RemoteTool):
            return await self.call.step(args, kwargs, command)
        return await self.call(*args, **kwargs)


class HostStep:
    """Steps of the commands that a MAD of `cls` handles; each `gives_way` to what is more urgent, or those of bulk."""

    def __init__(self, journal: Journal, cls: type[Any], *, gives_way: bool = False) -> None:
        self._journal, self._version, self._gives_way = journal, version_of(cls), gives_way
        self._attempts: OrderedDict[str, _Attempt] = OrderedDict()
        self._results: dict[object, Any] = {}

    async def __call__(self, name: str, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Return the result of a step, which is on disk; raise `InvalidMessage` where it can be none."""
        attempt = self._attempt(name)
        attempt.ask(name)
        it = self._work(name, work)
        earlier = await attempt.earlier()
        if name in earlier:
            return await self._recalled(attempt, earlier[name], it)
        attempt.expect_unchanged(name, earlier, self._version)
        if (
            attempt.went_on
            and (self._gives_way or attempt.is_bulk)
            and not await self._journal.may_go_on(attempt.command)
        ):
            raise asyncio.CancelledError(PARKED)
        attempt.went_on = True
        result = await it.do(f"{COMMAND}{attempt.command}:{name}", args, kwargs)
        body = _packed(name, result, it)
        await self._journal.keep(Step(attempt.command, attempt.number, name, it.name, self._version, body))
        return result

    def _attempt(self, name: str) -> _Attempt:
        """Return what is known of the attempt that is being handled."""
        call = current.get()
        command = _number(call)
        if call is None or command is None:
            raise InvalidMessage(
                f"step {name!r} is outside of a command; steps are for a tool that is reached by "
                "`send(self.shop.buy, …)`, elsewhere call what the step would"
            )
        known = self._attempts.get(call.id)
        if known is None:
            known = self._attempts[call.id] = _Attempt(
                command, call.attempt, self._journal, is_bulk=call.band == Band.BULK
            )
            if len(self._attempts) > KNOWN:
                self._attempts.popitem(last=False)
        return known

    def _work(self, name: str, work: Callable[..., Any]) -> _Work:
        if isinstance(work, RemoteTool):
            if work.streams:
                raise InvalidMessage(f"step {name!r}: {work.subject} streams; a step is a tool that returns")
            return _Work(work.subject.removeprefix("mads."), work.result, work)
        code = getattr(work, "__code__", None)  # one for all functions that a `def` within a method makes
        if code not in self._results:
            self._results[code] = _result_of(name, work)
        return _Work(work.__qualname__, self._results[code], work)

    async def _recalled(self, attempt: _Attempt, step: Finished, it: _Work) -> Any:
        if step.work != it.name:
            raise Reject(
                f"step {step.name!r} of command {attempt.command} called {step.work} in an earlier attempt, and the "
                f"code now calls {it.name}; put {step.work} back and retry, or drop the command and send it again"
            )
        try:
            return codec.decode(await self._journal.result(attempt.command, step.name), it.result)
        except InvalidMessage as error:
            raise Reject(
                f"step {step.name!r} of command {attempt.command} has a result from an earlier attempt that no longer "
                f"fits {it.name}: {error}; put the type back and retry, or drop the command and send it again"
            ) from error


class _Attempt:
    """One attempt at a command: the steps that it has asked for, and those that earlier ones have finished.

    One that `went_on` has taken a step, and may be told to give way.
    """

    def __init__(self, command: int, number: int, journal: Journal, *, is_bulk: bool) -> None:
        self.command, self.number, self.is_bulk = command, number, is_bulk
        self.went_on = False
        self._journal = journal
        self._asked: set[str] = set()
        self._earlier: asyncio.Future[dict[str, Finished]] | None = None

    def ask(self, name: str) -> None:
        """Remember that step `name` was asked for; raise `InvalidMessage` where it may not be."""
        if not 0 < len(name) <= NAME:
            raise InvalidMessage(f"{name!r:.100} names no step; write between 1 and {NAME} characters")
        if name in self._asked:
            raise InvalidMessage(
                f'step {name!r} was asked for before in this command; give each its own name, in a loop f"{name} {{n}}"'
            )
        if len(self._asked) >= STEPS:
            raise InvalidMessage(f"a command has at most {STEPS} steps; send a command for each part of the work")
        self._asked.add(name)

    async def earlier(self) -> Mapping[str, Finished]:
        """Return what earlier attempts have finished, by name."""
        if self.number == 1:
            return {}
        if self._earlier is None:
            self._earlier = asyncio.ensure_future(self._read())
        return await asyncio.shield(self._earlier)

    def expect_unchanged(self, name: str, earlier: Mapping[str, Finished], version: str) -> None:
        """Raise `Reject` where a new step may be an old one under another name."""
        left = [it.name for it in earlier.values() if it.name not in self._asked and it.version != version]
        if left:
            raise Reject(
                f"the code changed since an earlier attempt at command {self.command}: that one finished "
                f"{', '.join(map(repr, left))}, which was not asked for now, but {name!r} is; put the names back and "
                "retry, or drop the command and send it again"
            )

    async def _read(self) -> dict[str, Finished]:
        return {it.name: it for it in await self._journal.finished(self.command)}


def _number(call: Call | None) -> int | None:
    """Return the number of the command that `call` is an attempt at; None where it is none."""
    number = (call.command or "").removeprefix(COMMAND) if call is not None else ""
    return int(number) if number.isdecimal() else None


def _result_of(name: str, work: Callable[..., Any]) -> Any:
    """Return the type of what a step gives that calls a function; raise `InvalidMessage` where it can call none."""
    if not inspect.iscoroutinefunction(work):
        raise InvalidMessage(f"step {name!r}: {work!r:.100} is no tool and no `async def`; write one of them")
    hints = function_hints(work)
    if "return" not in hints:
        raise InvalidMessage(
            f"step {name!r}: write what {work.__qualname__} returns, as in `async def pack() -> Parcel:`"
        )
    return hints["return"]


def _packed(name: str, result: Any, it: _Work) -> bytes:
    """Return the bytes of a result, from which it can be read again."""
    try:
        body = codec.encode(result)
        codec.decode(body, it.result)
    except InvalidMessage as error:
        why = misfit(error, result, it.result)
        raise InvalidMessage(f"step {name!r}: what {it.name} returned cannot be kept: {why}") from None
    if len(body) > RESULT:
        raise InvalidMessage(
            f"step {name!r}: {it.name} returned {len(body)} bytes and {RESULT} can be kept; keep them in a `Kept` "
            "field and return what finds them again"
        )
    return body
