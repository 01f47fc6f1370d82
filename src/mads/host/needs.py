"""The needs of the runtime, filled: what a MAD's `Turn`, `Emit`, `Clock` and `Random` do when it runs."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import structlog

from mads.author.form import form
from mads.author.message import is_message, message_mark, subject, wire_name
from mads.bus.port import Bus
from mads.host.caller import Caller
from mads.observe.trace import Bills
from mads.wire import codec
from mads.wire.asking import Answer, Asks, Cancelled, Declined, Level, LogLine, Question, Root, Sampled
from mads.wire.call import Call, Progress, current
from mads.wire.content import PromptMessage, Text
from mads.wire.context import traceparent
from mads.wire.errors import CannotAsk, InvalidMessage, MadsError
from mads.wire.record import RULE, Decision, speaker
from mads.wire.shape import is_immutable

T = TypeVar("T")

EVENT_PATIENCE = 600.0
"""Seconds in which an event is heard and dealt with: a fact does not end with whoever told it."""


class HostTurn:
    """The current call, as its handler may see it; outside of a handler there is none, and asking is an error."""

    def __init__(self, bills: Bills) -> None:
        self._bills = bills

    @property
    def _call(self) -> Call:
        call = current.get()
        if call is None:
            raise MadsError("there is no turn outside of a tool, an event's handler or a timer")
        return call

    @property
    def id(self) -> str:
        """The call's id."""
        return self._call.id

    @property
    def principal(self) -> str:
        """Who stands at the start of the chain."""
        return self._call.identity.principal

    @property
    def tenant(self) -> str:
        """Whose data this is."""
        return self._call.identity.tenant

    @property
    def conversation(self) -> str | None:
        """The conversation the call belongs to."""
        return self._call.conversation

    @property
    def attempt(self) -> int:
        """Which attempt at this call it is."""
        return self._call.attempt

    @property
    def key(self) -> str | None:
        """The key in whose order it is handled."""
        return self._call.key

    @property
    def command(self) -> str | None:
        """What is the same in every attempt at one command, or at one step of it."""
        return self._call.command

    @property
    def remaining(self) -> float:
        """Seconds left until the deadline."""
        return self._call.remaining()

    @property
    def traceparent(self) -> str:
        """The call in its trace, as the W3C header of that name: for what the handler calls outside of mads."""
        return traceparent(self._call.trace, self._call.span, self._call.context)

    @property
    def tracestate(self) -> str:
        """What the W3C header of that name is to say; empty where there is nothing to send."""
        return self._call.context.state

    @property
    def baggage(self) -> str:
        """What the W3C header of that name is to say; empty where there is nothing to send."""
        return self._call.context.baggage

    @property
    def labels(self) -> tuple[str, ...]:
        """What the call came with of what is not to be trusted, as "untrusted:marco"."""
        return self._call.identity.labels

    @property
    def worth(self) -> int | None:
        """What the answer is worth to whoever asked, in millionths of a dollar; None where that was not said."""
        return self._call.worth

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Tell the caller how far the work has come; nothing happens where it does not listen."""
        sink = self._call.sink
        if sink is not None:
            sink.progress(Progress(float(done), None if total is None else float(total), note))

    def log(self, level: Level, text: str, **facts: Any) -> None:
        """Tell the caller something, where it listens."""
        sink = self._call.sink
        if sink is not None:
            data = {"message": text, **codec.plain(facts)} if facts else text
            sink.log(LogLine(level, data, _mad(self._call)))

    async def ask(self, question: str, *, returning: type[T], name: str = "") -> T | Declined | Cancelled:
        """Ask the person behind the caller; return what was filled in, or how it was not."""
        params: dict[str, Any] = {"mode": "form", "message": question, "requestedSchema": form(returning)}
        answer = await self._asked("elicitation/create", params, name)
        match answer.get("action"):
            case "accept":
                given: Answer = answer.get("content") or {}
                asked = params["requestedSchema"]["properties"]
                filled: T = _answered({key: given[key] for key in asked if key in given}, returning)
                return filled
            case "decline":
                return Declined()
            case "cancel":
                return Cancelled()
            case other:
                raise InvalidMessage(f"the caller answered a question with the action {other!r:.80}")

    async def sample(
        self, *messages: str | PromptMessage, system: str = "", max_tokens: int = 1000, name: str = ""
    ) -> Sampled:
        """Have the caller's own model go on from `messages`."""
        turns = [PromptMessage("user", it) if isinstance(it, str) else it for it in messages]
        params: dict[str, Any] = {"messages": [_message(it) for it in turns], "maxTokens": max_tokens}
        if system:
            params["systemPrompt"] = system
        answer = await self._asked("sampling/createMessage", params, name)
        told = answer["content"]
        content = {key: told[key] for key in ("type", "text", "data", "mimeType") if key in told}
        said = {"content": content, "model": answer.get("model", ""), "stop_reason": answer.get("stopReason") or ""}
        sampled: Sampled = _answered(said, Sampled)
        return sampled

    async def roots(self, *, name: str = "") -> list[Root]:
        """Return the folders in which the caller works."""
        answer = await self._asked("roots/list", {}, name)
        found: list[Root] = _answered(answer.get("roots", []), list[Root])
        return found

    async def _asked(self, method: Asks, params: dict[str, Any], name: str) -> Answer:
        """Put a question to the caller."""
        call = self._call
        if call.sink is None:
            raise CannotAsk(f"{_mad(call)} was called by one that takes no questions; only an MCP client does")
        return await call.sink.ask(Question(method, params, name))

    def charge(self, micro_usd: int) -> None:
        """Say that the call cost so much outside, in millionths of a dollar, besides what was said before."""
        self._bills.charge(self._call, micro_usd)

    def decided(self, rule: str, *, allowed: bool = True) -> None:
        """Say by which rule a way was taken, or not."""
        call = self._call
        self._bills.decide(call, Decision(speaker(call.subject), allowed=allowed, rule=rule[:RULE]))


def _mad(call: Call) -> str:
    """Return the MAD that handles `call`."""
    return call.subject.split(".")[1]


def _message(it: PromptMessage) -> dict[str, Any]:
    content = Text(it.content) if isinstance(it.content, str) else it.content
    return {"role": it.role, "content": codec.plain(content)}


def _answered(answer: Any, type_: Any) -> Any:
    """Return what the caller answered as `type_`; raise `InvalidMessage` where it does not fit."""
    try:
        return codec.fit(answer, type_)
    except InvalidMessage as error:
        raise InvalidMessage(f"the caller's answer to a question does not fit: {error}") from error


class HostEmit:
    """Events onto the bus."""

    def __init__(self, bus: Bus, caller: Caller, *, strict: bool) -> None:
        self._bus, self._caller, self._strict = bus, caller, strict
        self._announced: set[type[Any]] = set()

    async def __call__(self, event: Any, *, key: str | None = None) -> None:
        """Publish `event`; raise `InvalidMessage` where it is none, or a critical one that is refused."""
        type_: Any = event.__class__
        if not is_message(type_):
            raise InvalidMessage(f"{event!r:.100} is no event; write @message above `class {type_.__name__}:`")
        if (gone := message_mark(type_).deprecated) is not None and type_ not in self._announced:
            self._announced.add(type_)
            told = {"event_name": wire_name(type_), "until": gone.until.isoformat(), "instead": gone.instead}
            structlog.get_logger().warning("deprecated event emitted", **told)
        body = event if is_immutable(type_) and not self._strict else codec.raw(event)
        await self._bus.publish(self._caller.call(subject(type_), body, key=key, timeout=EVENT_PATIENCE, outlives=True))


class HostLog:
    """The log, in the name of one MAD; what its author says of a fact stays apart from what the host knows."""

    def __init__(self, mad: str) -> None:
        self._log = structlog.get_logger(mad=mad)

    def info(self, event: str, /, **facts: Any) -> None:
        """Say what happened."""
        self._log.info(event, facts=facts)

    def warning(self, event: str, /, **facts: Any) -> None:
        """Say what may need attention."""
        self._log.warning(event, facts=facts)

    def error(self, event: str, /, **facts: Any) -> None:
        """Say what went wrong."""
        self._log.error(event, facts=facts)


class HostClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> timedelta:
        """Return the time since an arbitrary start."""
        return timedelta(seconds=time.monotonic())

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class HostRandom:
    """The machine's chance."""

    def __init__(self) -> None:
        self._random = random.Random()  # noqa: S311  chance, not secrets: tokens come from `secrets`

    def random(self) -> float:
        """Return a float in [0, 1)."""
        return self._random.random()

    def randint(self, a: int, b: int) -> int:
        """Return an integer in [a, b]."""
        return self._random.randint(a, b)

    def choice(self, seq: Sequence[T]) -> T:
        """Return one of the items."""
        return self._random.choice(seq)

    def token(self, size: int = 16) -> str:
        """Return `size` unguessable bytes as hex digits."""
        return secrets.token_hex(size)
