"""A double for each need of the runtime: what a MAD's constructor takes in a unit test, in place of a host."""
# ruff: noqa: N801  each is used as a verb, like contextlib.closing

import asyncio
import pickle
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString, NamedTuple, ParamSpec, Self, TypeVar, overload

from mads.author.annotations import shown
from mads.author.form import form
from mads.author.message import wire_name
from mads.author.needs import Receipt
from mads.wire import codec
from mads.wire.asking import Cancelled, Declined, Level, Root, Sampled
from mads.wire.call import Progress
from mads.wire.content import PromptMessage, Text
from mads.wire.errors import CannotAsk, InvalidMessage
from mads.wire.record import amount
from mads.wire.secret import SecretRef

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Asked(NamedTuple):
    """What was put to a model: the question, the material that came with it, the tools it might use, its worth."""

    question: str
    material: tuple[Any, ...]
    tools: tuple[Any, ...]
    worth: float | None = None


class saying:
    """A `Think` that gives its answers in turn and raises those that are exceptions; `asked` is what it was asked.

    An answer too few, or one of another type than was asked for, fails the test.
    """

    def __init__(self, *answers: Any) -> None:
        self.asked: list[Asked] = []
        self._answers = answers

    @overload
    async def __call__(
        self, question: LiteralString, *material: Any, tools: Sequence[Any] = (), worth: float | None = None
    ) -> str: ...
    @overload
    async def __call__(
        self,
        question: LiteralString,
        *material: Any,
        returning: type[T],
        tools: Sequence[Any] = (),
        worth: float | None = None,
    ) -> T: ...
    async def __call__(
        self,
        question: str,
        *material: Any,
        returning: Any = str,
        tools: Sequence[Any] = (),
        worth: float | None = None,
    ) -> Any:
        """Return the next answer."""
        turn = len(self.asked)
        self.asked.append(Asked(question, material, tuple(tools), worth))
        if turn >= len(self._answers):
            raise AssertionError(
                f"{question!r} was asked and nothing is left to say; write saying(…) with {turn + 1} answers"
            )
        answer = self._answers[turn]
        if isinstance(answer, BaseException):
            raise answer
        try:
            return codec.fit(answer, returning)
        except InvalidMessage as error:
            raise AssertionError(
                f"{question!r} asks for {shown(returning)} and would be told {answer!r}: {error}"
            ) from error


class granting:
    """A `Secrets` that knows these paths and no other; `asked` are those of which a handle was asked."""

    def __init__(self, *paths: str) -> None:
        self.asked: list[str] = []
        self._paths = paths

    async def __call__(self, path: str, *, version: int | None = None) -> SecretRef:
        """Return a handle, or raise `InvalidMessage` as where there is no such secret."""
        self.asked.append(path)
        if path not in self._paths:
            raise InvalidMessage(f"there is no secret {path!r}; write it: mads secret set {path}")
        return SecretRef(path, version)


class Line(NamedTuple):
    """What was said to the operator, or to the caller."""

    level: str
    event: str
    facts: dict[str, Any]


@dataclass(kw_only=True)
class turning:
    """A `Turn` with these values, of whose `answers` each question gets the next; none is left: `CannotAsk`.

    `told` is the progress that was told, `lines` what was logged, `asked` what was asked, `charged` the cost in all,
    `decisions` what was decided, and whether it was allowed.
    """

    id: str = "turn-1"
    principal: str = "tester"
    tenant: str = "default"
    conversation: str | None = None
    attempt: int = 1
    key: str | None = None
    command: str | None = None
    remaining: float = 30.0
    traceparent: str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    tracestate: str = ""
    baggage: str = ""
    labels: tuple[str, ...] = ()
    worth: int | None = None
    answers: Sequence[Any] = ()
    told: list[Progress] = field(default_factory=list[Progress], init=False)
    lines: list[Line] = field(default_factory=list[Line], init=False)
    asked: list[str] = field(default_factory=list[str], init=False)
    charged: int = field(default=0, init=False)
    decisions: list[tuple[str, bool]] = field(default_factory=list[tuple[str, bool]], init=False)

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Remember the progress."""
        self.told.append(Progress(done, total, note))

    def log(self, level: Level, text: str, **facts: Any) -> None:
        """Remember what was said."""
        self.lines.append(Line(level, text, facts))

    async def ask(self, question: str, *, returning: type[T], name: str = "") -> T | Declined | Cancelled:
        """Return the next answer; fail the test where it is none that could come back."""
        form(returning)
        answer: T | Declined | Cancelled = self._answer(question or name)
        fits = isinstance(answer, (returning, Declined, Cancelled))
        assert fits, f"{question!r} asks for {returning.__name__} and would be told {answer!r}"
        return answer

    async def sample(
        self,
        *messages: str | PromptMessage,
        system: str = "",  # noqa: ARG002  as in `Turn`
        max_tokens: int = 1000,  # noqa: ARG002
        name: str = "",
    ) -> Sampled:
        """Return the next answer; a text is one that a model gave."""
        answer = self._answer(str(messages[-1] if messages else name))
        return answer if isinstance(answer, Sampled) else Sampled(Text(answer))

    async def roots(self, *, name: str = "") -> list[Root]:
        """Return the next answer."""
        roots: list[Root] = self._answer(name or "roots")
        return roots

    def _answer(self, question: str) -> Any:
        turn = len(self.asked)
        self.asked.append(question)
        if turn >= len(self.answers):
            raise CannotAsk(f"{question!r} was asked and nobody is there; write turning(answers=[…]) with its answer")
        return self.answers[turn]

    def charge(self, micro_usd: int) -> None:
        """Remember the cost; refuse what is no amount."""
        self.charged += amount(micro_usd)

    def decided(self, rule: str, *, allowed: bool = True) -> None:
        """Remember the decision."""
        self.decisions.append((rule, allowed))


class emitting:
    """An `Emit` whose `events` are what was emitted; it refuses what is no message or cannot travel."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    async def __call__(self, event: Any, *, key: str | None = None) -> None:  # noqa: ARG002  there is one order here
        """Remember the event."""
        wire_name(event.__class__)
        codec.encode(event)
        self.events.append(event)


class Sent(NamedTuple):
    """A command: the tool, its arguments, and how it was sent."""

    tool: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    key: str | None = None
    once: str | None = None
    after: timedelta | None = None
    within: timedelta | None = None


class sending:
    """A `Send` whose `sent` are the commands; of those with one `once` only the first, whose receipt the others get."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    async def __call__(
        self,
        tool: Callable[..., Coroutine[Any, Any, Any]],
        /,
        *arguments: Any,
        key: str | None = None,
        once: str | None = None,
        after: timedelta | None = None,
        within: timedelta | None = None,
    ) -> Receipt:
        """Remember the command."""
        codec.encode(arguments)
        for number, sent in enumerate(self.sent, 1):
            if once is not None and sent.once == once:
                return Receipt(number)
        self.sent.append(Sent(tool, arguments, key, once, after, within))
        return Receipt(len(self.sent))


class Taken(NamedTuple):
    """A step: its name, what it called, and with which arguments, by position and by name."""

    name: str
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    named: dict[str, Any]


class stepping:
    """A `Step` whose `taken` are the steps that were taken; those `finished` in an earlier attempt are not, by name.

    A name that comes twice, or a result that cannot be kept, fails the test.
    """

    def __init__(self, finished: Mapping[str, Any] | None = None) -> None:
        self.taken: list[Taken] = []
        self._finished = dict(finished or {})
        self._asked: set[str] = set()

    async def __call__(
        self, name: str, work: Callable[P, Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Return the result of `work`, or that of the earlier attempt."""
        if name in self._asked:
            raise AssertionError(f"step {name!r} was asked for twice; give each its own name")
        self._asked.add(name)
        if name in self._finished:
            earlier: R = self._finished[name]
            return earlier
        self.taken.append(Taken(name, work, args, kwargs))
        result = await work(*args, **kwargs)
        codec.encode(result)
        return result


class ticking:
    """A `Clock` that stands at `start` and moves when it is told to or slept on."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = self._now = start

    def tick(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._now += timedelta(seconds=seconds)

    def now(self) -> datetime:
        """Return the time."""
        return self._now

    def elapsed(self) -> timedelta:
        """Return the time that has passed."""
        return self._now - self._start

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass, and others run."""
        self.tick(seconds)
        await asyncio.sleep(0)


class rolling(random.Random):
    """A `Random` that repeats itself: the same `seed`, the same numbers."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)

    def token(self, size: int = 16) -> str:
        """Return `size` bytes as hex digits."""
        return self.randbytes(size).hex()


class inline:
    """`Workers` that do the work where they stand, pickled there and back, so that what cannot travel fails."""

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the result of `work`."""
        work, args, kwargs = _pickled((work, args, kwargs))
        return _pickled(work(*args, **kwargs))

    def confined(self, folder: str) -> Self:  # noqa: ARG002  there is nothing to confine
        """Return the same."""
        return self


class noting:
    """A `Log` whose `lines` are what was said."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def info(self, event: str, **facts: Any) -> None:
        """Remember what happened."""
        self.lines.append(Line("info", event, facts))

    def warning(self, event: str, **facts: Any) -> None:
        """Remember what may need attention."""
        self.lines.append(Line("warning", event, facts))

    def error(self, event: str, **facts: Any) -> None:
        """Remember what went wrong."""
        self.lines.append(Line("error", event, facts))


def _pickled(value: T) -> T:
    copy: T = pickle.loads(pickle.dumps(value))  # noqa: S301  our own bytes
    return copy
