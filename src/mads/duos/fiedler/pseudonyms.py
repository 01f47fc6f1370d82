"""Personal data leave for a provider as pseudonyms, and stand in its answer again as what they are."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from msgspec.structs import replace

from mads.duos.fiedler.port import Answered, Embedded, Provider
from mads.egress.scan import personal
from mads.wire.model import ModelMessage, ModelRequest, ToolCall

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_PSEUDONYM = re.compile(r"\[[A-Z]+_[0-9]+\]")
_BEGUN = re.compile(r"\[(?:[A-Z]+(?:_[0-9]*)?)?$")
"""What may be the beginning of a pseudonym, at the end of what has come so far."""


class Pseudonyms:
    """Who is who in one request: the same in the same place of it each time, and in no other request.

    What a text says by itself in the form of a pseudonym is nobody's: it is left as it is on the way back, too.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._own = {said for text in texts for said in _PSEUDONYM.findall(text)}
        self._names: dict[str, str] = {}
        self._meant: dict[str, str] = {}
        self._count: dict[str, int] = {}

    def hide(self, text: str) -> str:
        """Return `text` with a pseudonym for each of the personal data in it."""
        body, parts, at = text.encode(), list[str](), 0
        for it in sorted(personal.found(body)):
            said = body[it.start : it.end].decode(errors="replace")
            parts += [body[at : it.start].decode(errors="replace"), self._names.get(said) or self._named(said, it.kind)]
            at = it.end
        return "".join((*parts, body[at:].decode(errors="replace"))) if parts else text

    def show(self, text: str) -> str:
        """Return `text` with what each pseudonym stands for."""
        return _PSEUDONYM.sub(lambda match: self._meant.get(match[0], match[0]), text)

    def _named(self, said: str, kind: str) -> str:
        while True:
            self._count[kind] = self._count.get(kind, 0) + 1
            name = f"[{kind.upper()}_{self._count[kind]}]"
            if name not in self._own:
                self._names[said], self._meant[name] = name, said
                return name


class Pseudonymous:
    """A provider that sees pseudonyms, for whoever asks `behind` it with what they stand for."""

    def __init__(self, behind: Provider) -> None:
        self._behind = behind

    async def complete(self, model: str, request: ModelRequest) -> Answered:
        """Return the answer of `model`, the provider's own id of it."""
        names = _names(request)
        return _shown(names, await self._behind.complete(model, _hidden(names, request)))

    async def stream(self, model: str, request: ModelRequest) -> AsyncGenerator[str | Answered]:
        """Yield the text of the answer as it comes, and last the whole of it; what may be half a pseudonym waits."""
        names, held = _names(request), ""
        async with aclosing(self._behind.stream(model, _hidden(names, request))) as arriving:
            async for item in arriving:
                if isinstance(item, str):
                    held += item
                    begun = _BEGUN.search(held)
                    at = begun.start() if begun else len(held)
                    if at:
                        yield names.show(held[:at])
                    held = held[at:]
                else:
                    if held:
                        yield held
                    yield _shown(names, item)

    async def embed(self, model: str, texts: Sequence[str]) -> Embedded:
        """Return a vector for each text, as its pseudonyms have it."""
        return await self._behind.embed(model, [Pseudonyms([text]).hide(text) for text in texts])

    async def close(self) -> None:
        """Let go of what is held."""
        await self._behind.close()


def _names(request: ModelRequest) -> Pseudonyms:
    return Pseudonyms([message.text for message in request.messages])


def _hidden(names: Pseudonyms, request: ModelRequest) -> ModelRequest:
    return replace(request, messages=tuple(_put(names, message) for message in request.messages))


def _put(names: Pseudonyms, message: ModelMessage) -> ModelMessage:
    return replace(message, text=names.hide(message.text), calls=_changed(message.calls, names.hide))


def _shown(names: Pseudonyms, answered: Answered) -> Answered:
    return replace(answered, text=names.show(answered.text), calls=_changed(answered.calls, names.show))


def _changed(calls: Sequence[ToolCall], change: Callable[[str], str]) -> tuple[ToolCall, ...]:
    """Return `calls` with each text in their arguments changed."""
    return tuple(
        ToolCall(call.id, call.name, {name: _each(value, change) for name, value in call.arguments.items()})
        for call in calls
    )


def _each(value: Json, change: Callable[[str], str]) -> Json:
    match value:
        case str():
            return change(value)
        case list():
            return [_each(item, change) for item in value]
        case dict():
            return {key: _each(item, change) for key, item in value.items()}
        case _:
            return value
