"""The receiving side: one handle for a MAD, which finds the handler of a subject behind the layers round it."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from msgspec import Raw
from msgspec.structs import asdict

from mads.author.declaration import CHAT, Declaration, Listener, Timer, Tool
from mads.author.deprecation import Deprecation
from mads.author.message import subject as event_subject
from mads.host.think.thinker import TALKS
from mads.observe.redact import misfit
from mads.wire import codec
from mads.wire.call import Call, Handle, Reply
from mads.wire.errors import Failed, InvalidMessage, NoResponder
from mads.wire.model import Choice, ModelAnswer, Piece
from mads.wire.record import Kind
from mads.wire.served import LayerFor, Served
from mads.wire.shape import is_immutable, is_spelled_alike

DONE = Reply()

MODEL_TURNS = (ModelAnswer, Piece, Choice)
"""What a call returns that is a turn of a model."""

CALLERS = 1000
"""How many callers of a deprecated tool are logged: they may name themselves."""


def timer_subject(mad: str, timer: Timer) -> str:
    """Return the subject on which a timer of `mad` calls."""
    return f"timer.{mad}.{timer.method}"


def patterns(mad: str, declaration: Declaration) -> tuple[str, ...]:
    """Return the subjects that a MAD serves: its tools, its timers, the events it hears."""
    events = (event_subject(listener.event) for listener in declaration.listeners)
    return (f"mads.{mad}.*", f"timer.{mad}.*", *dict.fromkeys(events))


def subjects(mad: str, declaration: Declaration) -> dict[str, Served]:
    """Return what a MAD serves, by subject."""
    served: dict[str, Served] = {}
    for tool in declaration.tools.values():
        kind: Kind = "prose" if tool.name == CHAT else "model" if tool.result in MODEL_TURNS else "call"
        served[f"mads.{mad}.{tool.name}"] = Served(
            mad,
            tool.name,
            kind,
            destructive=tool.mark.destructive,
            read_only=tool.mark.read_only,
            streams=tool.streams,
            withheld=tool.withheld,
            untrusted=tool.mark.untrusted or tool.foreign is not None,
            asked=tool.params,
            answered=tool.result,
        )
    for listener in declaration.listeners:
        served[event_subject(listener.event)] = Served(mad, listener.method, "event", asked=listener.event)
    for timer in declaration.timers:
        served[timer_subject(mad, timer)] = Served(mad, timer.method, "timer")
    return served


def serve(
    mad: str,
    declaration: Declaration,
    instance: Any,
    layers: Sequence[LayerFor],
    *,
    talks: Callable[[str], Awaitable[str]],
    strict: bool,
) -> Handle:
    """Return the handle that answers every call to `instance`, each behind all of `layers`, outermost first.

    `talks` answers prose where a model does that for the MAD.
    """
    handles: dict[str, Handle] = {}
    for tool in declaration.tools.values():
        method = talks if tool.method == TALKS else getattr(instance, tool.method)
        name = f"{mad}.{tool.name}"
        handle = _foreign(tool, method) if tool.foreign else _tool(name, tool, method, strict=strict)
        handles[f"mads.{name}"] = handle
    for listener in declaration.listeners:
        handle = _listener(listener, getattr(instance, listener.method), strict=strict)
        handles[event_subject(listener.event)] = handle
    for timer in declaration.timers:
        handles[timer_subject(mad, timer)] = _timer(getattr(instance, timer.method))
    for subject, served in subjects(mad, declaration).items():
        for layer in reversed(layers):
            handles[subject] = layer(served)(handles[subject])
    for tool in declaration.tools.values():
        if tool.deprecated is not None:
            subject = f"mads.{mad}.{tool.name}"
            handles[subject] = _announced(f"{mad}.{tool.name}", tool.deprecated, handles[subject])

    def dispatch(call: Call) -> Awaitable[Reply]:
        handle = handles.get(call.subject)
        return _unknown(call, declaration) if handle is None else handle(call)

    return dispatch


def _announced(name: str, deprecated: Deprecation, handle: Handle) -> Handle:
    """Log who still calls what is to go, each caller once."""
    log = structlog.get_logger()
    callers: set[str] = set()

    async def announced(call: Call) -> Reply:
        caller = (call.identity.chain or (call.identity.principal,))[-1]
        if caller not in callers and len(callers) < CALLERS:
            callers.add(caller)
            until, instead = deprecated.until.isoformat(), deprecated.instead
            log.warning("deprecated tool called", tool=name, caller=caller, until=until, instead=instead)
        return await handle(call)

    return announced


def _tool(name: str, tool: Tool, method: Callable[..., Any], *, strict: bool) -> Handle:
    arguments, checked = _arguments(tool, strict=strict), _checked(name, tool, strict=strict)

    async def answer(call: Call) -> Reply:
        return Reply(checked(await method(**arguments(call))))

    async def stream(call: Call) -> Reply:
        if call.sink is None:
            raise InvalidMessage(f"{name} streams; open it as a stream")
        items = method(**arguments(call))
        try:
            async for item in items:
                await call.sink.item(checked(item))
        finally:
            await items.aclose()
        return DONE

    return stream if tool.streams else answer


def _arguments(tool: Tool, *, strict: bool) -> Callable[[Call], dict[str, Any]]:
    """Return what gives the arguments of a call."""
    alike = is_spelled_alike(tool.params)

    def decoded(body: Raw) -> Any:
        """Return the arguments that came as bytes, maybe from a door, where they were JSON."""
        return codec.decode(body, tool.params) if alike else codec.fit(codec.decode(body, Any), tool.params)

    def arguments(call: Call) -> dict[str, Any]:
        body = codec.raw(call.body) if strict else call.body  # of another class, maybe, where the sender's is older
        return asdict(decoded(body) if type(body) is Raw else body)

    return arguments


def _checked(name: str, tool: Tool, *, strict: bool) -> Callable[[Any], Any]:
    """Return what gives a result as it travels; it raises `Failed` where that is none."""
    by_reference = is_immutable(tool.result) and not strict

    def checked(result: Any) -> Any:
        try:
            fitting = codec.fit(result, tool.result)
            travelling = codec.encode(fitting)  # what may not travel is refused in the callee's own process, too
        except InvalidMessage as error:
            raise Failed(f"{name} answered against its declaration: {misfit(error, result, tool.result)}") from None
        return fitting if by_reference else Raw(travelling)

    return checked


def _foreign(tool: Tool, method: Callable[..., Any]) -> Handle:
    """Return what passes a call on to an MCP server: plain JSON in, and out."""

    async def relay(call: Call) -> Reply:
        return Reply(codec.raw(await method(tool.foreign, codec.decode(codec.raw(call.body), dict[str, Any]))))

    return relay


def _listener(listener: Listener, method: Callable[[Any], Awaitable[None]], *, strict: bool) -> Handle:
    async def hear(call: Call) -> Reply:
        body = codec.raw(call.body) if strict else call.body
        await method(codec.decode(body, listener.event) if type(body) is Raw else body)
        return DONE

    return hear


def _timer(method: Callable[[], Awaitable[None]]) -> Handle:
    async def tick(_: Call) -> Reply:
        await method()
        return DONE

    return tick


async def _unknown(call: Call, declaration: Declaration) -> Reply:
    _, mad, name = call.subject.split(".", 2)
    near = difflib.get_close_matches(name, declaration.tools, 1)
    meant = f"did you mean {mad}.{near[0]}?" if near else f"it has {', '.join(declaration.tools) or 'none'}"
    raise NoResponder(f"{mad} has no tool {name!r}; {meant}", where=mad, request=call.id)
