"""What stands in a field that names another MAD: the same methods, wherever it runs."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import AsyncGenerator
from typing import Any, cast

import msgspec
from msgspec import Raw, Struct

from mads.author.declaration import Declaration, Tool
from mads.bus.port import Bus
from mads.host.caller import Caller
from mads.observe.redact import redactor
from mads.wire import codec
from mads.wire.call import Reply
from mads.wire.errors import Failed, InvalidMessage
from mads.wire.failure import error_of
from mads.wire.shape import is_immutable


class Proxy:
    """The tools of one MAD as methods; there is nothing else to reach."""

    def __init__(
        self,
        mad: str,
        declaration: Declaration,
        bus: Bus,
        caller: Caller,
        *,
        strict: bool,
        made: type[RemoteTool] | None = None,
    ) -> None:
        self._mad, made = mad, made or RemoteTool
        for tool in declaration.tools.values():
            if not hasattr(declaration.cls, tool.method):
                continue  # the host answers that one; the class knows nothing of it
            subject = f"mads.{mad}.{tool.name}"
            setattr(self, tool.method, made(subject, tool, declaration, bus, caller, strict=strict))

    def __getattr__(self, name: str) -> Any:
        """Raise `AttributeError` that names the tool that was meant."""
        tools = [key for key in vars(self) if not key.startswith("_")]
        near = difflib.get_close_matches(name, tools, 1)
        meant = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(tools)) or 'none'}"
        raise AttributeError(f"{self._mad} has no tool {name!r}; {meant}", name=name, obj=self)


def outcome(reply: Reply, type_: Any, subject: str, *, strict: bool = False) -> Any:
    """Return the result that `reply` carries as `type_`; raise the `CallError` that it carries instead."""
    if reply.failure is not None:
        raise error_of(reply.failure)
    return received(reply.body, type_, subject, strict=strict)


def received(body: Any, type_: Any, subject: str, *, strict: bool) -> Any:
    """Return a body that came from `subject` as `type_`; raise `Failed` where it does not fit."""
    if strict:
        body = codec.raw(body)
    if type(body) is not Raw:
        return body
    try:
        return codec.decode(body, type_)
    except InvalidMessage as error:
        raise Failed(f"{subject} answered against its declaration: {error}", where=subject) from error


def _message(params: type[Struct]) -> type[Struct] | None:
    """Return the type of the only field of `params` where it is a message: an instance of it fits as it is."""
    types = [field.type for field in msgspec.structs.fields(params)]
    return types[0] if len(types) == 1 and isinstance(types[0], type) and issubclass(types[0], Struct) else None


class RemoteTool:
    """A tool of another MAD, to be called or sent."""

    def __init__(
        self, subject: str, tool: Tool, declaration: Declaration, bus: Bus, caller: Caller, *, strict: bool
    ) -> None:
        self.subject, self.streams, self.result, self.tool = subject, tool.streams, tool.result, tool
        self._bus, self._caller = bus, caller
        signature = inspect.signature(getattr(declaration.cls, tool.method))
        self._told = f"{subject}{signature}"
        self._names = list(signature.parameters)[1:]
        self._strict = strict
        self._message = _message(tool.params)
        self.hides = redactor(tool.result)
        self._by_reference = is_immutable(tool.params) and not strict

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return an awaitable of the result, or an iterator over the items of a stream."""
        return self._stream(args, kwargs) if self.streams else self._ask(args, kwargs)

    async def step(self, args: tuple[Any, ...], kwargs: dict[str, Any], command: str) -> Any:
        """Return the result of a step of a command; whoever is called sees which one it is."""
        call = self._caller.call(self.subject, self._body(args, kwargs), key=command, command=command)
        return self._answered(outcome(await self._bus.request(call), self.result, self.subject, strict=self._strict))

    def fitted(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return these arguments as a message; raise `InvalidMessage` where they do not fit."""
        names = self._names
        if len(args) == 1 and not kwargs and type(args[0]) is self._message:
            return self.tool.params(**{names[0]: args[0]})
        if len(args) > len(names) or (kwargs and not kwargs.keys().isdisjoint(names[: len(args)])):
            raise InvalidMessage(f"{self._told}: called with {len(args)} arguments by position and {list(kwargs)}")
        given = {names[0]: args[0]} if len(args) == 1 else dict(zip(names, args, strict=False))
        try:
            return codec.fit(given | kwargs if kwargs else given, self.tool.params)
        except InvalidMessage as error:
            raise self.refusal(error) from error

    def refusal(self, error: InvalidMessage) -> InvalidMessage:
        """Return what is raised of arguments that cannot travel, as `error` says."""
        return InvalidMessage(f"{self._told}: {error}", where=self.subject)

    def _body(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        params = self.fitted(args, kwargs)
        try:
            travelling = codec.encode(params)
        except InvalidMessage as error:
            raise self.refusal(error) from error
        return params if self._by_reference else Raw(travelling)

    async def _ask(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = self._caller.call(self.subject, self._body(args, kwargs))
        return self._answered(outcome(await self._bus.request(call), self.result, self.subject, strict=self._strict))

    def _answered(self, result: Any) -> Any:
        if self.hides is not None:
            self.hides.answered(result)
        return result

    async def _stream(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> AsyncGenerator[Any, None]:
        async with self._bus.stream(self._caller.call(self.subject, self._body(args, kwargs))) as items:
            async for item in items:
                yield self._answered(received(item, self.result, self.subject, strict=self._strict))
            outcome(items.reply, type(None), self.subject, strict=self._strict)


class ServerTool(RemoteTool):
    """A tool of an MCP server, which answers in the JSON of MCP."""

    async def _ask(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = self._caller.call(self.subject, self._body(args, kwargs))
        said: dict[str, Any] = outcome(await self._bus.request(call), dict[str, Any], self.subject, strict=self._strict)
        return self._answered(self._meant(said))

    def _meant(self, said: dict[str, Any]) -> Any:
        """Return what an MCP result says, as the type that the author expects of it."""
        text = "\n".join(part["text"] for part in said.get("content") or () if part.get("type") == "text")
        if said.get("isError"):
            raise Failed(f"{self.subject} failed: {text}", where=self.subject)
        if self.result is type(None):
            return None
        body = said.get("structuredContent")
        if isinstance(body, dict) and list(cast("dict[str, Any]", body)) == ["result"]:  # how what is no object is sent
            body = cast("dict[str, Any]", body)["result"]
        try:
            if body is None:
                body = text if self.result is str else msgspec.json.decode(text)
            return codec.fit(body, self.result)
        except (InvalidMessage, msgspec.DecodeError) as error:
            raise Failed(f"{self.subject} answered otherwise than is expected: {error}", where=self.subject) from error
