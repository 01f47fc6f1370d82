"""The decorators of an author's class: they mark what is offered and heard, and change nothing else."""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ParamSpec, TypeVar, dataclass_transform, overload

from mads.wire.errors import DeclarationError

Done = TypeVar("Done", bound=Awaitable[None])
E = TypeVar("E")
M = TypeVar("M")
P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")

ToolMethod = TypeVar("ToolMethod", bound=Callable[..., Awaitable[Any] | AsyncIterator[Any]])
ReadMethod = TypeVar("ReadMethod", bound=Callable[..., Awaitable[Any]])
CompletingMethod = TypeVar("CompletingMethod", bound=Callable[..., Awaitable[list[str]]])
ProseMethod = TypeVar("ProseMethod", bound=Callable[[Any, str], Awaitable[Any]])
TimedMethod = TypeVar("TimedMethod", bound=Callable[[Any], Awaitable[None]])

MARK = "__mads_mark__"


@dataclass(frozen=True, slots=True)
class MadMark:
    """A class whose instances are MADs."""


@dataclass(frozen=True, slots=True)
class ToolMark:
    """A method that others may call."""

    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False
    interactive: bool = False
    untrusted: bool = False
    deprecated: str = ""


@dataclass(frozen=True, slots=True)
class ResourceMark:
    """A method that returns what stands at an address."""

    uri: str
    mime_type: str = ""
    title: str = ""
    interactive: bool = False
    fresh: float = 0.0


@dataclass(frozen=True, slots=True)
class PromptMark:
    """A method that returns the messages of a prompt."""

    title: str = ""
    interactive: bool = False


@dataclass(frozen=True, slots=True)
class CompletesMark:
    """A method that completes one argument of a resource or a prompt."""

    of: str
    argument: str


@dataclass(frozen=True, slots=True)
class OnMark:
    """A method that hears an event."""

    event: type[Any]


@dataclass(frozen=True, slots=True)
class ProseMark:
    """A method that answers prose."""


@dataclass(frozen=True, slots=True)
class EveryMark:
    """A method that the runtime calls by the clock."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ProvidesMark:
    """A function that makes what a field asks for."""


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
def mad(cls: type[M]) -> type[M]:
    """Make `cls` a MAD: its fields are what it needs, given by keyword when it is built.

    Raises `DeclarationError` where a default is mutable and so would be shared by every instance.
    """
    role = cls.__doc__
    try:
        made = dataclasses.dataclass(kw_only=True, eq=False, repr=False)(cls)
    except ValueError as error:
        raise DeclarationError(f"{cls.__qualname__}: {error} (from dataclasses import field)") from error
    made.__doc__ = role
    return _marked(made, MadMark())


@overload
def tool(method: ToolMethod, /) -> ToolMethod: ...
@overload
def tool(
    *,
    read_only: bool = False,
    destructive: bool = False,
    idempotent: bool = False,
    interactive: bool = False,
    untrusted: bool = False,
    deprecated: str = "",
) -> Callable[[ToolMethod], ToolMethod]: ...
def tool(method: Any = None, /, **marks: Any) -> Any:
    """Offer an async method, or an async generator that streams, to every caller who may.

    `read_only`: changes nothing. `destructive`: destroys or reveals something, so the anonymous developer may not call
    it. `idempotent`: twice is as good as once. `interactive`: it asks its caller while it runs, or tells it something,
    and may take as long as a person does. `untrusted`: what it returns comes from outside, so that whoever is told may
    from then on call nothing destructive that does not accept it. `deprecated`: its last day and what to use,
    "2027-03-01: use find".
    """
    mark = ToolMark(**marks)
    return partial(_marked, mark=mark) if method is None else _marked(method, mark)


def resource(
    uri: str, *, mime_type: str = "", title: str = "", interactive: bool = False, fresh: float = 0.0
) -> Callable[[ReadMethod], ReadMethod]:
    """Offer what an async method returns at an address: `notes://all`, or `notes://{about}` for an argument `about`.

    A `str` is text, `bytes` are a blob, a list of `Embedded` is several resources, anything else is JSON. To other MADs
    it is a tool that is read only. For `fresh` seconds a client need not read it again.
    """
    return partial(_marked, mark=ResourceMark(uri, mime_type, title, interactive, fresh))


@overload
def prompt(method: ReadMethod, /) -> ReadMethod: ...
@overload
def prompt(*, title: str = "", interactive: bool = False) -> Callable[[ReadMethod], ReadMethod]: ...
def prompt(method: Any = None, /, **marks: Any) -> Any:
    """Offer a prompt that a person may choose: an async method that returns a text, content, or `PromptMessage`s."""
    mark = PromptMark(**marks)
    return partial(_marked, mark=mark) if method is None else _marked(method, mark)


def completes(of: Callable[..., Any], argument: str) -> Callable[[CompletingMethod], CompletingMethod]:
    """Complete one argument of a `@resource` or a `@prompt` that stands above: `@completes(note, "about")`.

    The async method gets what was written so far as `value`, and the other arguments, as far as they are known, as
    parameters of their names, which need a default.
    """
    return partial(_marked, mark=CompletesMark(getattr(of, "__name__", repr(of)), argument))


def on(event: type[E]) -> Callable[[Callable[[S, E], Done]], Callable[[S, E], Done]]:
    """Hear every event of one `@message` class."""
    return partial(_marked, mark=OnMark(event))


def prose(method: ProseMethod) -> ProseMethod:
    """Answer prose: what a person says to the MAD in `mads chat`, offered to other callers as the tool `chat`."""
    return _marked(method, ProseMark())


def every(*, seconds: float) -> Callable[[TimedMethod], TimedMethod]:
    """Run a method at start and then every so many seconds, never twice at once."""
    if not seconds > 0:
        raise DeclarationError(f"@every(seconds={seconds!r}): write a number above 0")
    return partial(_marked, mark=EveryMark(seconds))


def provides(factory: Callable[P, R]) -> Callable[P, R]:
    """Make what a field of the returned type asks for; a generator yields it once and cleans up after itself.

    It stands beside the class, takes what it needs by annotated parameters, and may be async.
    """
    return _marked(factory, ProvidesMark())


def mark_of(thing: Any, kind: type[T]) -> T | None:
    """Return the mark of `kind` that a decorator left on `thing` itself."""
    mark = getattr(getattr(thing, "__func__", thing), "__dict__", {}).get(MARK)
    return mark if isinstance(mark, kind) else None


def is_mad(type_: Any) -> bool:
    """Return whether `type_` is a class made by `@mad`."""
    return mark_of(type_, MadMark) is not None


def _marked(thing: T, mark: Any) -> T:
    if mark_of(thing, object) is not None:
        raise DeclarationError(f"{thing!r} is marked twice; give each mark a method of its own")
    setattr(thing, MARK, mark)
    return thing
