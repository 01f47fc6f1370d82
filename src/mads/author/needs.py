"""The needs of the runtime: what a MAD's field may ask for, each filled by the host and doubled in `mads.testing`.

Those that reach outside stand in `outside`.
"""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString, ParamSpec, Protocol, TypeVar, overload

from msgspec import Struct

from mads.wire.asking import Cancelled, Declined, Level, Root, Sampled
from mads.wire.content import PromptMessage
from mads.wire.conversation import Exchange, Said

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")
F = TypeVar("F", bool, int, float, str, dict[str, Any], list[Any])

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


class Think(Protocol):
    """Put a question to the MAD's own model.

    The question is a prompt and is versioned with the code, so it is a literal; the material is data. The answer is
    `worth` so many dollars, and no more than the call that is handled: a model that may cost more is not asked. Raises
    `NoModel` where no model is configured.
    """

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


class Kept(Protocol[T]):
    """Values of one message type that outlive the process: each change is on disk when its call returns."""

    async def add(self, value: T) -> None:
        """Keep one more value."""

    async def where(self, **equal: Any) -> list[T]:
        """Return the values whose fields equal all of `equal`, oldest first; all of them without arguments."""
        ...

    async def remove(self, **equal: Any) -> int:
        """Forget the values whose fields equal all of `equal`; return how many there were."""
        ...


class Emit(Protocol):
    """Tell everyone who listens that something happened, at most once each."""

    async def __call__(self, event: Any, *, key: str | None = None) -> None:
        """Publish `event`, an instance of a `@message` class; events of one `key` stay in order."""


class Receipt(Struct, frozen=True):
    """What a sender gets for a command that is on disk; `id` is its number among the dead letters too."""

    id: int


class Send(Protocol):
    """Leave a command with the runtime: a call of another MAD's tool that is made sooner or later, whatever crashes.

    `await send(self.scribe.write, note)` returns once the command is on disk. Its handler gets it at least once: again,
    with the next `attempt`, where it raised or was cut off; in the end it is a dead letter (`mads dead list`), at once
    where it raises `Reject`, `Denied` or `InvalidMessage`. What the tool returns is dropped.

    Commands of one sender and `key` to one MAD are handled in the order in which they were sent, never two at once; an
    earlier one that waits, or is tried again, holds back the later ones. Without a key there is no order.
    Of commands with the same `once` the first is kept, until a day after it is done; the others get its receipt.
    It is not handled before `after` has passed, and is a dead letter where it is not done when `within` has.
    """

    @overload
    async def __call__(
        self,
        tool: Callable[[], Coroutine[Any, Any, Any]],
        /,
        *,
        key: str | None = None,
        once: str | None = None,
        after: timedelta | None = None,
        within: timedelta | None = None,
    ) -> Receipt: ...
    @overload
    async def __call__(
        self,
        tool: Callable[[A], Coroutine[Any, Any, Any]],
        a: A,
        /,
        *,
        key: str | None = None,
        once: str | None = None,
        after: timedelta | None = None,
        within: timedelta | None = None,
    ) -> Receipt: ...
    @overload
    async def __call__(
        self,
        tool: Callable[[A, B], Coroutine[Any, Any, Any]],
        a: A,
        b: B,
        /,
        *,
        key: str | None = None,
        once: str | None = None,
        after: timedelta | None = None,
        within: timedelta | None = None,
    ) -> Receipt: ...
    @overload
    async def __call__(
        self,
        tool: Callable[[A, B, C], Coroutine[Any, Any, Any]],
        a: A,
        b: B,
        c: C,
        /,
        *,
        key: str | None = None,
        once: str | None = None,
        after: timedelta | None = None,
        within: timedelta | None = None,
    ) -> Receipt: ...
    @overload
    async def __call__(
        self,
        tool: Callable[[A, B, C, D], Coroutine[Any, Any, Any]],
        a: A,
        b: B,
        c: C,
        d: D,
        /,
        *,
        key: str | None = None,
        once: str | None = None,
        after: timedelta | None = None,
        within: timedelta | None = None,
    ) -> Receipt: ...


class Step(Protocol):
    """Do part of a command so that no later attempt at the command does it again.

    `paid = await self.step("pay", self.bank.pay, order)` calls the tool and returns its result once that is on disk;
    the next attempt gets this result instead of a call. `work` is a tool of another MAD, or an `async def` whose result
    is annotated. A step that raised, or was cut off, is taken again: a tool sees by `Turn.command` that it is the same
    step (`command-17:pay`).

    Only the handler of a command takes steps. A name stands for one step of its command: in a loop give each turn a
    name of its own. Where the code no longer fits what an earlier attempt has done, the command is a dead letter.
    """

    async def __call__(
        self, name: str, work: Callable[P, Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Return the result of `work` with these arguments, or that of an earlier attempt."""
        ...


class Turn(Protocol):
    """The call that is being handled."""

    @property
    def id(self) -> str:
        """The call's id: what a failure names as its request."""
        ...

    @property
    def principal(self) -> str:
        """Who stands at the start of the chain of calls."""
        ...

    @property
    def tenant(self) -> str:
        """Whose data this is."""
        ...

    @property
    def conversation(self) -> str | None:
        """The conversation the call belongs to."""
        ...

    @property
    def attempt(self) -> int:
        """Which attempt at this call it is, from 1."""
        ...

    @property
    def key(self) -> str | None:
        """The key in whose order the call is handled."""
        ...

    @property
    def command(self) -> str | None:
        """What is the same in every attempt at one command, or at one step of it; None where the call is neither.

        A handler that remembers it can tell what it has done before: `command-17`, or `command-17:pay` for a step.
        """
        ...

    @property
    def remaining(self) -> float:
        """Seconds left until the deadline."""
        ...

    @property
    def traceparent(self) -> str:
        """The call in its trace, as the W3C header of that name: for what the handler calls outside of mads."""
        ...

    @property
    def tracestate(self) -> str:
        """What the W3C header of that name is to say; empty where there is nothing to send."""
        ...

    @property
    def baggage(self) -> str:
        """What the W3C header of that name is to say; empty where there is nothing to send."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """What the call came with of what is not to be trusted, as "untrusted:marco"."""
        ...

    @property
    def worth(self) -> int | None:
        """What the answer is worth to whoever asked, in millionths of a dollar; None where that was not said."""
        ...

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Tell the caller how far the work has come, in units of your own."""

    def log(self, level: Level, text: str, **facts: Any) -> None:
        """Tell the caller something, where it listens: an MCP client that asked for lines of this level."""

    async def ask(self, question: str, *, returning: type[T], name: str = "") -> T | Declined | Cancelled:
        """Ask the person behind the caller to fill in the fields of `returning`, a flat `@message`, and wait for that.

        Only an `interactive` tool, resource or prompt may ask. Raises `CannotAsk` where nobody can be asked: the caller
        is another MAD, or a client that does not know such questions. `name` tells the questions of one call apart, and
        is needed only where they are asked in no fixed order.
        """
        ...

    async def sample(
        self, *messages: str | PromptMessage, system: str = "", max_tokens: int = 1000, name: str = ""
    ) -> Sampled:
        """Have the caller's own model go on from `messages`, texts being the user's; raises as `ask` does."""
        ...

    async def roots(self, *, name: str = "") -> list[Root]:
        """Return the folders in which the caller works; raises as `ask` does."""
        ...

    def charge(self, micro_usd: int) -> None:
        """Say that the call cost so much outside of mads, in millionths of a dollar, besides what was said before.

        Raises `InvalidMessage` for anything but a whole number of 0 or more, and once the call has ended.
        """

    def decided(self, rule: str, *, allowed: bool = True) -> None:
        """Say in the trace of the call by which `rule` this MAD took a way, or did not; raises as `charge` does.

        The first 500 characters of 32 decisions count.
        """


class Talk(Protocol):
    """The conversation that the call being handled belongs to, and others in which this MAD has taken part.

    Whoever a MAD acts for must have taken part as well; else it raises `Denied`.
    """

    async def history(
        self, *, conversation: str | None = None, thread: str | None = None, limit: int = 100
    ) -> list[Said]:
        """Return the last `limit` turns (at most 1,000) that have ended, oldest first; of one thread where it is named.

        A thread goes by the id of its first turn. In a conversation that is not there nobody has taken part: `Denied`.
        """
        ...

    async def say(self, text: str, *, conversation: str | None = None, thread: str | None = None) -> Exchange:
        """Say `text`; each MAD that it mentions as `@name` hears it in its `@prose` handler, and its answer is said.

        Returns the answers, those to mentions in them too. Where the call being handled belongs to no conversation,
        a new one begins. A turn is a reply in the `thread` whose first turn has that id.
        """
        ...


class Clock(Protocol):
    """Time, so that a recorded run can be repeated."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        ...

    def elapsed(self) -> timedelta:
        """Return the time since an arbitrary start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Random(Protocol):
    """Chance, so that a recorded run can be repeated."""

    def random(self) -> float:
        """Return a float in [0, 1)."""
        ...

    def randint(self, a: int, b: int) -> int:
        """Return an integer in [a, b]."""
        ...

    def choice(self, seq: Sequence[T]) -> T:
        """Return one of the items."""
        ...

    def token(self, size: int = 16) -> str:
        """Return `size` unguessable bytes as hex digits."""
        ...


class Workers(Protocol):
    """Processes for work that would hold up the loop."""

    def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        """Run `work`, a function of a module, in a child process; arguments and result are pickled."""
        ...

    def confined(self, folder: str) -> "Workers":
        """Return workers for what comes from outside: they write in `folder` alone, connect to nothing, run no program.

        Where the system cannot do that they are like any, and that is logged.
        """
        ...


class Flags(Protocol):
    """Feature flags, as the project's file of them says for whoever makes the call being handled."""

    def __call__(self, flag: str, default: F, /, **about: str | float | bool) -> F:
        """Return what `flag` is, at once; `default` where there is none, it is off, or is no value of that type.

        Rules may ask of `about` besides `principal`, `tenant`, `roles`, `conversation` and `mad`. Who stays in one part
        of all is the conversation, or else the principal; `targetingKey=…` says otherwise.
        """
        ...


class Log(Protocol):
    """What the MAD has to say to its operator: a sentence, and facts by name."""

    def info(self, event: str, **facts: Any) -> None:
        """Say what happened."""

    def warning(self, event: str, **facts: Any) -> None:
        """Say what may need attention."""

    def error(self, event: str, **facts: Any) -> None:
        """Say what went wrong."""
