"""What a MAD's class declares: who it is, what it needs, what it offers, what it hears."""

import dataclasses
import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator
from copy import copy
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Struct

from mads.author.annotations import class_hints, function_hints, shown
from mads.author.declare import (
    CompletesMark,
    EveryMark,
    OnMark,
    PromptMark,
    ProseMark,
    ResourceMark,
    ToolMark,
    is_mad,
    mark_of,
)
from mads.author.deprecation import Deprecation, deprecation
from mads.author.message import is_message
from mads.wire.content import is_content, is_contents, is_prompt
from mads.wire.errors import DeclarationError
from mads.wire.tools import Definition, Offer
from mads.wire.uri import Address

CHAT = "chat"
"""The name under which a MAD's `@prose` handler is offered as a tool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Something a MAD needs: its name, its type, and whether the class gives a default."""

    name: str
    type: Any
    has_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """Something a MAD offers: a tool, or a resource, a prompt or a completion, which are called in the same way.

    `params` is a frozen Struct with a field for each parameter; `result` the type of the result, or of each item where
    it `streams`. `place` says where a resource stands, or what a completion is of. What is `foreign` was found on an
    MCP server, and takes and returns the JSON of that; what is `withheld` is refused for that reason.
    """

    name: str
    method: str
    description: str
    params: type[Struct]
    result: Any
    streams: bool
    mark: ToolMark
    deprecated: Deprecation | None = None
    kind: Offer = "tool"
    place: ResourceMark | PromptMark | CompletesMark | None = None
    foreign: Definition | None = None
    withheld: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """An event a MAD hears."""

    method: str
    event: type[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A method the runtime calls every so many seconds."""

    method: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A MAD's class, read."""

    cls: type[Any]
    role: str
    fields: tuple[Field, ...]
    tools: dict[str, Tool]
    listeners: tuple[Listener, ...]
    timers: tuple[Timer, ...]


def declaration(cls: type[Any]) -> Declaration:
    """Return what `cls` declares; raise one `DeclarationError` with every mistake in it, a line each."""
    read, mistakes = readable(cls)
    if mistakes:
        raise DeclarationError("\n".join(mistakes))
    return read


def readable(cls: Any) -> tuple[Declaration, tuple[str, ...]]:
    """Return as much as can be read of what `cls` declares, and every mistake; raise `DeclarationError` if no MAD."""
    if not is_mad(cls):
        raise DeclarationError(
            f"{cls.__module__}.{cls.__qualname__} is no MAD; write @mad above `class {cls.__name__}:`"
        )
    return _read(cls)


@lru_cache(maxsize=256)  # a MAD is read by the survey, by each that calls it and by whoever looks at its source
def _read(cls: type[Any]) -> tuple[Declaration, tuple[str, ...]]:
    mistakes: list[str] = []
    found = list(_read_methods(cls, mistakes))
    tools = [read for read in found if isinstance(read, Tool)]
    names = [tool.name for tool in tools]
    mistakes += [
        f"{cls.__qualname__} offers two tools named {name!r}; rename one" for name in {*names} if names.count(name) > 1
    ]
    listeners = [read for read in found if isinstance(read, Listener)]
    events = [listener.event for listener in listeners]
    mistakes += [
        f"{cls.__qualname__} hears {event.__name__} in two methods; let one hear it and call the other"
        for event in {*events}
        if events.count(event) > 1
    ]
    mistakes += _incomplete(tools)
    fields = _read_fields(cls, mistakes)
    read = Declaration(
        cls=cls,
        role=inspect.cleandoc(cls.__doc__ or ""),
        fields=fields,
        tools={tool.name: tool for tool in tools},
        listeners=tuple(listeners),
        timers=tuple(read for read in found if isinstance(read, Timer)),
    )
    return read, tuple(dict.fromkeys(mistakes))


def _read_fields(cls: type[Any], mistakes: list[str]) -> tuple[Field, ...]:
    try:
        hints = class_hints(cls)
    except DeclarationError as error:
        mistakes += str(error).splitlines()
        return ()
    missing = dataclasses.MISSING
    return tuple(
        Field(
            name=field.name,
            type=hints[field.name],
            has_default=field.default is not missing or field.default_factory is not missing,
        )
        for field in dataclasses.fields(cls)
        if field.init
    )


def _read_methods(cls: type[Any], mistakes: list[str]) -> Iterator[Tool | Listener | Timer]:
    for name, method in inspect.getmembers_static(cls):
        mark = mark_of(method, object)
        read = _READERS.get(type(mark))
        if read is None:
            continue
        try:
            yield read(name, method, mark)
        except DeclarationError as error:
            mistakes += str(error).splitlines()


def _read_tool(name: str, method: Callable[..., Any], mark: ToolMark) -> Tool:
    hints = _signature(method)
    streams = inspect.isasyncgenfunction(method)
    if not streams and not inspect.iscoroutinefunction(method):
        raise DeclarationError(f"{method.__qualname__} must be `async def {name}(…)` to be a tool")
    result = hints.pop("return")
    if streams:
        if get_origin(result) not in {AsyncIterator, AsyncIterable, AsyncGenerator}:
            raise DeclarationError(f"{method.__qualname__} yields, so write `-> AsyncIterator[T]`, not {shown(result)}")
        result = get_args(result)[0]
    arguments = {f"the argument {name!r}": hint for name, hint in hints.items()}
    _check_travel({"the result": result, **arguments}, method.__qualname__)
    return Tool(
        name=name,
        method=name,
        description=inspect.getdoc(method) or name,
        params=_params(name, method, hints),
        result=result,
        streams=streams,
        mark=mark,
        deprecated=deprecation(mark.deprecated, method.__qualname__),
    )


def _read_prose(name: str, method: Callable[..., Any], _: ProseMark) -> Tool:
    if inspect.isasyncgenfunction(method):
        raise DeclarationError(
            f"{method.__qualname__} yields, but prose cannot stream; "
            f"return the answer: `async def {name}(self, text: str) -> …`"
        )
    tool = _read_tool(name, method, ToolMark())
    fields = [(field.name, field.type) for field in msgspec.structs.fields(tool.params)]
    if fields != [("text", str)]:
        raise DeclarationError(f"{method.__qualname__}: write `@prose` above `async def {name}(self, text: str) -> …`")
    return dataclasses.replace(tool, name=CHAT)


def _read_resource(name: str, method: Callable[..., Any], mark: ResourceMark) -> Tool:
    tool = _offered(name, method, "resource", mark)
    try:
        variables = Address(mark.uri).variables
    except DeclarationError as error:
        raise DeclarationError(f"{method.__qualname__}: {error}") from error
    if {*variables} != {field.name for field in msgspec.structs.fields(tool.params)}:
        wanted = ", ".join(["self", *(f"{variable}: str" for variable in variables)])
        raise DeclarationError(f"{method.__qualname__} stands at {mark.uri!r}, so write `async def {name}({wanted})`")
    if is_content(tool.result) and not is_contents(tool.result):
        raise DeclarationError(f"{method.__qualname__}: a resource returns text, bytes, a message or list[Embedded]")
    return tool


def _read_prompt(name: str, method: Callable[..., Any], mark: PromptMark) -> Tool:
    tool = _offered(name, method, "prompt", mark)
    if not is_prompt(tool.result):
        said = f"a prompt is made of messages, not of {shown(tool.result)}"
        raise DeclarationError(f"{method.__qualname__}: {said}; write `-> str` or `-> list[PromptMessage]`")
    return tool


def _read_completion(name: str, method: Callable[..., Any], mark: CompletesMark) -> Tool:
    tool = _offered(name, method, "completion", mark)
    fields = msgspec.structs.fields(tool.params)
    if [field.name for field in fields if field.required] != ["value"] or tool.result != list[str]:
        raise DeclarationError(f"{method.__qualname__}: write `async def {name}(self, value: str) -> list[str]`")
    return tool


def _offered(name: str, method: Callable[..., Any], kind: Offer, place: Any) -> Tool:
    """Return a method as something that is read: what it takes comes as text."""
    mark = ToolMark(read_only=True, idempotent=True, interactive=getattr(place, "interactive", False))
    tool = _read_tool(name, method, mark)
    if tool.streams:
        raise DeclarationError(f"{method.__qualname__} yields, but a {kind} cannot stream; return it as a whole")
    for field in msgspec.structs.fields(tool.params):
        schema = msgspec.json.schema(field.type)
        if "enum" not in schema and schema.get("type") not in ("string", "integer", "number", "boolean"):
            raise DeclarationError(
                f"{method.__qualname__}: what is asked of a {kind} comes as text, which is no {shown(field.type)}; "
                f"write `{field.name}: str`"
            )
    return dataclasses.replace(tool, kind=kind, place=place)


def _incomplete(tools: list[Tool]) -> Iterator[str]:
    """Yield what is wrong with completions: that of which they are is not there."""
    offered = {tool.name: tool for tool in tools if tool.kind in ("resource", "prompt")}
    for tool in tools:
        if isinstance(tool.place, CompletesMark):
            of, argument = offered.get(tool.place.of), tool.place.argument
            known = [field.name for field in msgspec.structs.fields(of.params)] if of else []
            if argument not in known:
                why = f"has only {', '.join(known) or 'none'}" if of else "is no @resource and no @prompt"
                yield f"{tool.name} completes the argument {argument!r} of {tool.place.of}, which {why}"


def _read_listener(name: str, method: Callable[..., Any], mark: OnMark) -> Listener:
    if not is_message(mark.event):
        shown = getattr(mark.event, "__name__", repr(mark.event))
        raise DeclarationError(f"{method.__qualname__}: {shown} is no message; write @message above `class {shown}:`")
    hints = _signature(method)
    result = hints.pop("return")
    event = mark.event.__name__
    if list(hints.values()) != [mark.event] or result is not type(None) or not inspect.iscoroutinefunction(method):
        raise DeclarationError(
            f"{method.__qualname__} hears {event}, so write `async def {name}(self, event: {event}) -> None:`"
        )
    return Listener(method=name, event=mark.event)


def _read_timer(name: str, method: Callable[..., Any], mark: EveryMark) -> Timer:
    hints = _signature(method)
    if len(hints) > 1 or not inspect.iscoroutinefunction(method):
        raise DeclarationError(f"{method.__qualname__} runs by the clock, so write `async def {name}(self) -> None:`")
    return Timer(method=name, seconds=mark.seconds)


_READERS: dict[type[Any], Callable[[str, Any, Any], Tool | Listener | Timer]] = {
    ToolMark: _read_tool,
    ResourceMark: _read_resource,
    PromptMark: _read_prompt,
    CompletesMark: _read_completion,
    ProseMark: _read_prose,
    OnMark: _read_listener,
    EveryMark: _read_timer,
}


def _signature(method: Callable[..., Any]) -> dict[str, Any]:
    """Return the types of the method's parameters without `self`, and of its result; every one must be annotated."""
    if not inspect.isfunction(method):
        raise DeclarationError(f"{method!r} must be a plain method, `async def name(self, …)`")
    hints = function_hints(method)
    parameters = list(inspect.signature(method).parameters.values())[1:]
    mistakes = [
        f"{method.__qualname__}: a call carries its arguments by name; replace `{parameter}` by `name: T`"
        for parameter in parameters
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}
    ]
    mistakes += [
        f"{method.__qualname__}: write {'`-> T`' if name == 'return' else f'`{name}: T`'} with the type that travels"
        for name in (*[parameter.name for parameter in parameters], "return")
        if name not in hints
    ]
    if mistakes:
        raise DeclarationError("\n".join(mistakes))
    return hints


def _params(name: str, method: Callable[..., Any], hints: dict[str, Any]) -> type[Struct]:
    fields: list[Any] = []
    for parameter in list(inspect.signature(method).parameters.values())[1:]:
        type_, default = hints[parameter.name], parameter.default
        if default is parameter.empty:
            fields.append((parameter.name, type_))
        elif type(default) in {list, dict, set}:
            fields.append((parameter.name, type_, msgspec.field(default_factory=partial(copy, default))))
        else:
            fields.append((parameter.name, type_, default))
    return msgspec.defstruct(name, fields, frozen=True, kw_only=True, forbid_unknown_fields=True)


def _check_travel(types: dict[str, Any], place: str) -> None:
    mistakes: list[str] = []
    for what, type_ in types.items():
        try:
            msgspec.json.schema(type_)
        except (TypeError, NameError, RecursionError) as error:
            mistakes.append(
                f"{place}: {what} is of type {shown(type_)}, which cannot travel: write a @message class, "
                f"or a type of plain data ({str(error).splitlines()[-1]})"
            )
    if mistakes:
        raise DeclarationError("\n".join(mistakes))
