"""A `Call` is the one thing that is ever sent; a `Reply` is the one thing that comes back."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from enum import IntEnum
from typing import Any, Protocol

from msgspec import Struct

from mads.wire.asking import Answer, LogLine, Question
from mads.wire.context import NONE, Context
from mads.wire.failure import Failure
from mads.wire.record import Decision

EVENT = "event."
"""How the subject of every event begins."""

NOTES = 4096
"""How many characters the notes of a call may have."""


class Band(IntEnum):
    """How urgent a call is; a lower band is served first."""

    CONTROL = 0
    URGENT = 1
    NORMAL = 2
    BULK = 3


class Identity(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False, cache_hash=True):
    """Who calls: the principal at the start of the chain, its tenant, and the MADs the call has passed through.

    `roles` are those that its credential gives it. `scopes` (see `mads.guard.scopes`) are what the credential may be
    used to ask for, and are no longer there once that is asked; None is no limit. `labels` are those of what the call
    may have been made of, such as "untrusted:marco": see `mads.guard.labels`.
    """

    principal: str
    tenant: str = "default"
    chain: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] | None = None
    labels: tuple[str, ...] = ()


class Progress(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How far a handler has come: `done` of `total` (None: unknown), in units of its own, and a few words."""

    done: float
    total: float | None = None
    note: str = ""


class Sink(Protocol):
    """Where a handler puts what it has to say before its reply."""

    async def item(self, body: Any) -> None:
        """Hand over one item of a stream; waits while the reader has given no credit."""

    def progress(self, progress: Progress) -> None:
        """Report progress; never waits, and may be dropped."""

    def log(self, line: LogLine) -> None:
        """Tell a line of a log; never waits, and may be dropped."""

    async def ask(self, question: Question) -> Answer:
        """Put a question to the caller and return its answer; raise `CannotAsk` where it takes none."""
        ...


class Call(Struct, frozen=True, kw_only=True, gc=False):
    """A request, an event or a stream's opening, as it lies in one process.

    `subject` is a dotted name (`mads.dewey.search`, `event.scribe.MeetingEnded.v1`). `body` is a `msgspec.Raw` of
    MessagePack, or a deeply immutable value by reference. `deadline` is in seconds of `time.monotonic()`.
    Calls of one `key` from one principal are handled in order and never two at once. `cause` is the id of the call
    that was being handled when this one was made, `parent` the span of that one, or of the client that asked, `context`
    what that said of its trace. `made` is when it was made, as `deadline`, or 0. `command` is the same for every
    attempt at a command, or at a step of one. `worth` is what the answer is worth, in millionths of a dollar. `notes`
    is prose for readers; nothing acts on it.
    """

    subject: str
    body: Any
    id: str
    deadline: float
    identity: Identity
    trace: str = ""
    span: str = ""
    cause: str | None = None
    conversation: str | None = None
    band: int = Band.NORMAL
    key: str | None = None
    attempt: int = 1
    command: str | None = None
    notes: str | None = None
    sink: Sink | None = None
    parent: str = ""
    context: Context = NONE
    made: float = 0.0
    worth: int | None = None

    def remaining(self) -> float:
        """Return the seconds until the deadline; negative once it has passed."""
        return self.deadline - time.monotonic()


class Reply(Struct, frozen=True, gc=False):
    """The end of a call: a result in `body` (as in `Call`), or a `failure`.

    `cost` is what the handler says that the call cost outside, in millionths; `decisions` are those of the guards. The
    caller has it once `settled` is done, for which nobody else waits; that must not raise. `labels` are those of what
    the handler was asked and told.
    """

    body: Any = None
    failure: Failure | None = None
    cost: int = 0
    decisions: tuple[Decision, ...] = ()
    settled: Awaitable[None] | None = None
    labels: tuple[str, ...] = ()


Handle = Callable[[Call], Awaitable[Reply]]
"""The hot path: everything that serves a call is this or wraps it."""

Layer = Callable[[Handle], Handle]
"""Something that stands round every call."""

current: ContextVar[Call | None] = ContextVar("mads_current_call", default=None)
"""The call whose handler is running in this task; None outside of handlers."""
