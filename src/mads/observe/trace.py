"""The innermost view of a call, where its handler lives: while it runs it is the current one, and how it ends is said.

Whatever a handler raises becomes the failure of its call here, without what is sensitive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import structlog
from msgspec.structs import replace

from mads.observe.redact import Redactor, failed, heard, redactor, unsaid
from mads.wire import codec
from mads.wire.call import Call, Handle, Layer, Reply, current
from mads.wire.errors import CallError, DeadlineExceeded, Failed, InvalidMessage, MadsError
from mads.wire.failure import Failure, failure_of, root_of
from mads.wire.record import RULES, Decision, amount
from mads.wire.served import Served

NONE: Mapping[str, Redactor] = MappingProxyType({})


class Bills:
    """What the calls that are being handled in this process have cost so far, and decided, by their spans."""

    def __init__(self) -> None:
        self.open: dict[str, int] = {}
        self.decisions: dict[str, list[Decision]] = {}

    def charge(self, call: Call, micro_usd: int) -> None:
        """Put so much on the bill of `call`; raise `InvalidMessage` where it is no amount, or the call has ended."""
        self._check(call)
        self.open[call.span] += amount(micro_usd)

    def decide(self, call: Call, decision: Decision) -> None:
        """Note what was decided while `call` was handled; raise `InvalidMessage` where it has ended."""
        self._check(call)
        said = self.decisions.setdefault(call.span, [])
        if len(said) < RULES:
            said.append(decision)

    def _check(self, call: Call) -> None:
        if call.span not in self.open:
            raise InvalidMessage(f"call {call.id!r} has ended; charge, and decide, while its handler runs")


class Trace:
    """The layer; `bills` are those of the calls that it stands round, `hides` by subject what no type tells."""

    def __init__(self, hides: Mapping[str, Redactor] = NONE) -> None:
        self.bills, self._hides = Bills(), hides

    def layer(self, served: Served) -> Layer:
        """Make a call current for the handler of `served`, end it with what it cost, and log it where that broke."""
        bills, decisions = self.bills.open, self.bills.decisions
        end = _Ending(served, self._hides.get(f"mads.{served.mad}.{served.name}"))

        def trace(handle: Handle) -> Handle:
            async def traced(call: Call) -> Reply:
                token = current.set(call if call.notes is None else replace(call, notes=None))  # prose steers nothing
                bills[call.span] = 0
                try:
                    reply = await handle(call)
                except BaseException as error:  # a MAD may end its call, not its neighbours
                    if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                        raise
                    reply = end.broken(error, call)
                finally:
                    current.reset(token)
                    cost = bills.pop(call.span, 0)
                    said = decisions.pop(call.span, ()) if decisions else ()
                if said:
                    reply = replace(reply, decisions=(*reply.decisions, *said))
                return replace(reply, cost=reply.cost + cost) if cost else reply

            return traced if end.redactor is None else _hushed(traced, end.redactor)

        return trace


def _hushed(handle: Handle, redactor: Redactor) -> Handle:
    """Have the log say nothing of what a call calls sensitive while it is handled."""

    async def hushed(call: Call) -> Reply:
        before = unsaid.get()
        token = unsaid.set(lambda: (*redactor.body(codec.encode(call.body))[1], *before()))
        try:
            return await handle(call)
        finally:
            unsaid.reset(token)

    return hushed


def discreet(handle: Handle) -> Handle:
    """Have the log, and failures, say nothing of what others answered and call sensitive, while a call is handled."""

    async def hushed(call: Call) -> Reply:
        told: list[str] = []
        tokens = heard.set(told), unsaid.set(lambda: told)
        try:
            return await handle(call)
        finally:
            heard.reset(tokens[0])
            unsaid.reset(tokens[1])

    return hushed


class _Ending:
    """How the calls of one handler fail."""

    def __init__(self, served: Served, hides: Redactor | None) -> None:
        self._served = served
        self._name = f"{served.mad}.{served.name}"
        self.redactor = hides or (None if served.asked is None else redactor(served.asked))
        self._log = structlog.get_logger(mad=served.mad)

    def broken(self, error: BaseException, call: Call) -> Reply:
        """Return the failure that `error` is, and log it."""
        told = self._told(error, call)
        failure = failed(failure_of(told, where=self._served.mad, request=call.id), unsaid.get()())
        self._say(error, failure, call)
        return Reply(failure=failure)

    def _told(self, error: BaseException, call: Call) -> BaseException:
        """Tell a handler's own failure from that of a call it made: the latter is only the cause of the former."""
        mad = self._served.mad
        try:
            match error:
                case CallError() if error.request not in ("", call.id):
                    if call.remaining() <= 0:
                        raise DeadlineExceeded(f"no answer came before the deadline: {error}", where=mad) from error
                    raise Failed(f"{self._name} failed: {root_of(error)}", where=mad, request=call.id) from error
                case SystemExit() | KeyboardInterrupt():
                    said = f"{self._name} raised {type(error).__name__}, which ends nothing here but the call"
                    raise Failed(said, where=mad, request=call.id) from error
                case _:
                    return error
        except CallError as told:
            return told

    def _say(self, error: BaseException, failure: Failure, call: Call) -> None:
        facts: dict[str, Any] = {"name": self._served.name, "request": call.id, "trace": call.trace}
        if not isinstance(error, MadsError):
            if self.redactor is None:
                self._log.error("handler failed", **facts, exc_info=error)
            else:
                self._log.error("handler failed", **facts, why=failure.message)
        elif self._served.kind == "event":  # nobody else hears of its end
            self._log.warning("call failed", **facts, why=failure.message)
        else:
            self._log.debug("call failed", **facts, why=failure.message)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
