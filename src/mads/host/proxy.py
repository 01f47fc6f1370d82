"""What stands in a field that names another MAD: the same methods, wherever it runs."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import AsyncGenerator, Callable
from typing import Any

from msgspec import Raw

from mads.author.declaration import Declaration, Tool
from mads.bus.port import Bus
from mads.host.caller import Caller
from mads.wire import codec
from mads.wire.call import Reply
from mads.wire.errors import Failed, InvalidMessage
from mads.wire.failure import error_of
from mads.wire.shape import is_immutable


class Proxy:
    """The tools of one MAD as methods; there is nothing else to reach."""

    def __init__(self, mad: str, declaration: Declaration, bus: Bus, caller: Caller, *, strict: bool) -> None:
        self._mad = mad
        for tool in declaration.tools.values():
            setattr(
                self, tool.method, _method(f"mads.{mad}.{tool.name}", tool, declaration, bus, caller, strict=strict)
            )

    def __getattr__(self, name: str) -> Any:
        """Raise `AttributeError` that names the tool that was meant."""
        tools = [key for key in vars(self) if not key.startswith("_")]
        near = difflib.get_close_matches(name, tools, 1)
        meant = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(tools)) or 'none'}"
        raise AttributeError(f"{self._mad} has no tool {name!r}; {meant}", name=name, obj=self)


def outcome(reply: Reply, type_: Any, subject: str) -> Any:
    """Return the result that `reply` carries as `type_`; raise the `CallError` that it carries instead."""
    if reply.failure is not None:
        raise error_of(reply.failure)
    return received(reply.body, type_, subject)


def received(body: Any, type_: Any, subject: str) -> Any:
    """Return a body that came from `subject` as `type_`; raise `Failed` where it does not fit."""
    if type(body) is not Raw:
        return body
    try:
        return codec.decode(body, type_)
    except InvalidMessage as error:
        raise Failed(f"{subject} answered against its declaration: {error}", where=subject) from error


def _method(
    subject: str, tool: Tool, declaration: Declaration, bus: Bus, caller: Caller, *, strict: bool
) -> Callable[..., Any]:
    signature = inspect.signature(getattr(declaration.cls, tool.method))
    names = list(signature.parameters)[1:]
    by_reference = is_immutable(tool.params) and not strict

    def body(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) > len(names) or any(name in kwargs for name in names[: len(args)]):
            raise InvalidMessage(
                f"{subject}{signature}: called with {len(args)} arguments by position and {list(kwargs)}"
            )
        try:
            params = codec.fit(dict(zip(names, args, strict=False), **kwargs), tool.params)
            travelling = codec.raw(params)
        except InvalidMessage as error:
            raise InvalidMessage(f"{subject}{signature}: {error}", where=subject) from error
        return params if by_reference else travelling

    async def ask(*args: Any, **kwargs: Any) -> Any:
        return outcome(await bus.request(caller.call(subject, body(args, kwargs))), tool.result, subject)

    async def stream(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        async with bus.stream(caller.call(subject, body(args, kwargs))) as items:
            async for item in items:
                yield received(item, tool.result, subject)
            outcome(items.reply, type(None), subject)

    return stream if tool.streams else ask
