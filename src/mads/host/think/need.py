"""The need `Think`: a question to a model, by a call of the MAD that asks models; and the prose that it can answer."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.structs import replace

from mads.author.declaration import CHAT, Declaration
from mads.bus.port import Bus
from mads.host.caller import Caller
from mads.host.proxy import Proxy, RemoteTool, outcome
from mads.host.talk.need import HostTalk
from mads.host.think.prompt import form_of, put, read, shown, version
from mads.host.think.thinker import COMPLETE
from mads.observe.redact import redactor
from mads.wire import codec
from mads.wire.call import current
from mads.wire.errors import CallError, Failed, InvalidMessage, NoModel
from mads.wire.model import ModelAnswer, ModelMessage, ModelRequest, ToolCall, ToolOffer
from mads.wire.worth import least, millionths

PATIENCE = 600.0
"""Seconds that a model may take where the call being handled has as many left."""

ROUNDS = 8
"""How often a model may wish for tools before it has to answer."""

TURNS = 20
"""How many turns of its conversation a MAD remembers when it answers prose."""

LONGEST = 100_000
"""How many characters of what a tool returned are shown to a model."""


@dataclass(frozen=True, slots=True)
class Mind:
    """What stands behind the questions of one MAD: who it is, and who asks models for it (empty: nobody)."""

    mad: str
    declared: Declaration
    thinker: str
    bus: Bus
    caller: Caller
    own: Callable[[], Proxy]


class HostThink:
    """Puts the questions of one MAD."""

    def __init__(self, mind: Mind) -> None:
        self._mind = mind

    async def __call__(
        self,
        question: str,
        *material: Any,
        returning: Any = str,
        tools: Sequence[Any] = (),
        worth: float | None = None,
    ) -> Any:
        """Return the model's answer as a `returning`; where it does not fit, the model is told why, once."""
        mind, valued = self._mind, millionths(worth)
        if not mind.thinker:
            raise NoModel(
                f"{mind.mad} asked {question!r}, and this system has no model; write in mads.toml under [mads]: "
                'fiedler = { use = "mads.duos.fiedler:Fiedler", set = { providers = { openai = { key = '
                '"env:OPENAI_API_KEY", models = { small = "…" } } } }, may = ["net:api.openai.com"] }'
            )
        request = ModelRequest(
            messages=tuple(put(mind.declared.role, question, material)),
            task=mind.mad,
            schema=None if returning is str else form_of(returning),
            prompt=version(question),
        )
        request, answer = await self.conversed(request, _resolved(mind, tools), valued)
        if returning is str:
            return answer.text
        try:
            return read(answer.text, returning)
        except InvalidMessage as error:
            return await self._mended(request, answer, returning, error, valued)

    async def conversed(
        self, request: ModelRequest, tools: Sequence[RemoteTool], worth: int | None = None
    ) -> tuple[ModelRequest, ModelAnswer]:
        """Return what was asked in the end, and the answer to it, once the model wishes for no more tools."""
        known = {_name(tool): tool for tool in tools}
        request = replace(request, tools=tuple(_offers(known)))
        for _ in range(ROUNDS):
            answer = await self._asked(request, worth)
            if not answer.calls or not known:
                return request, answer
            came = [await _used(known, call) for call in answer.calls]
            said = ModelMessage("assistant", answer.text, calls=answer.calls)
            request = replace(request, messages=(*request.messages, said, *came))
        return request, await self._asked(replace(request, tools=()), worth)

    async def _mended(
        self, request: ModelRequest, answer: ModelAnswer, returning: Any, error: InvalidMessage, worth: int | None
    ) -> Any:
        """Ask again, with what was wrong; raise `Failed` where that is no better."""
        told = f"That does not fit: {error}. Answer with JSON of the form that was asked for, and nothing else."
        messages = (*request.messages, ModelMessage("assistant", answer.text), ModelMessage("user", told))
        again = await self._asked(replace(request, messages=messages, tools=()), worth)
        try:
            return read(again.text, returning)
        except InvalidMessage as still:
            raise Failed(
                f"{again.model} was asked twice for another form than it gave: {still}; it said {again.text[:200]!r}"
            ) from None

    async def _asked(self, request: ModelRequest, worth: int | None) -> ModelAnswer:
        mind = self._mind
        subject = f"mads.{mind.thinker}.{COMPLETE}"
        call = mind.caller.call(subject, codec.raw({"request": request}), timeout=PATIENCE)
        call = replace(call, worth=least(call.worth, worth))
        answer: ModelAnswer = outcome(await mind.bus.request(call), ModelAnswer, subject)
        return answer


class Talker:
    """Answers prose in the name of a MAD that has no handler for it: from its docstring, with its own tools."""

    def __init__(self, mind: Mind) -> None:
        self._mind, self._think = mind, HostThink(mind)

    async def answer(self, text: str) -> str:
        """Return what a model says that is told who this MAD is, and what was said before."""
        mind = self._mind
        messages = (ModelMessage("system", mind.declared.role), *await self._before(), ModelMessage("user", text))
        request = ModelRequest(messages=messages, task=mind.mad, prompt=version(mind.declared.role))
        _, answer = await self._think.conversed(request, list(self._tools()))
        return answer.text

    def _tools(self) -> Iterator[RemoteTool]:
        """Iterate over the MAD's own tools that a model may wish for: what destroys is for people to call."""
        for tool in self._mind.declared.tools.values():
            if tool.kind == "tool" and tool.name != CHAT and not tool.mark.destructive and not tool.streams:
                yield getattr(self._mind.own(), tool.method)

    async def _before(self) -> list[ModelMessage]:
        """Return what was said to this MAD, and by it, in the conversation that the call belongs to."""
        call, mind = current.get(), self._mind
        if call is None or call.conversation is None:
            return []
        said = await HostTalk(mind.bus, mind.caller).history(limit=TURNS)
        messages: list[ModelMessage] = []
        for turn in said:
            if turn.to == mind.mad and turn.text and turn.outcome == "ok":
                messages += [ModelMessage("user", turn.text), ModelMessage("assistant", turn.answer)]
        return messages


def _resolved(mind: Mind, tools: Sequence[Any]) -> list[RemoteTool]:
    """Return the tools as they are called: those of other MADs, and the MAD's own methods."""
    own = {tool.method for tool in mind.declared.tools.values()}
    found: list[RemoteTool] = []
    for tool in tools:
        called = tool if isinstance(tool, RemoteTool) else None
        name = getattr(tool, "__name__", "")
        if called is None and isinstance(getattr(tool, "__self__", None), mind.declared.cls) and name in own:
            called = getattr(mind.own(), name)
        if called is None or called.streams:
            near = difflib.get_close_matches(name, own, 1)
            write = f"self.{near[0]}" if near else "self.scribe.recall"
            raise InvalidMessage(
                f"tools={tool!r:.80} is no tool that returns one result; write it as in tools=[{write}]"
            )
        found.append(called)
    return found


def _name(tool: RemoteTool) -> str:
    return tool.subject.removeprefix("mads.").replace(".", "_")


def _offers(known: dict[str, RemoteTool]) -> Iterator[ToolOffer]:
    for name, tool in known.items():
        yield ToolOffer(name, tool.tool.description, _schema(tool.tool.params))


def _schema(params: Any) -> dict[str, Any]:
    """Return the JSON Schema of a tool's arguments, an object at its root, as providers ask for."""
    schema: dict[str, Any] = msgspec.json.schema(params)
    definitions: dict[str, Any] = schema.get("$defs", {})
    root: dict[str, Any] = definitions.pop(str(schema.get("$ref", "")).rpartition("/")[2], schema)
    return root | ({"$defs": definitions} if definitions else {})


async def _used(known: dict[str, RemoteTool], call: ToolCall) -> ModelMessage:
    """Return what came of a wish, which may be an error: the model is told, and may try otherwise."""
    tool = known.get(call.name)
    if tool is None:
        near = difflib.get_close_matches(call.name, known, 1) or list(known)
        return ModelMessage(
            "tool", f"error: there is no tool {call.name!r}; there is {', '.join(near)}", answers=call.id
        )
    try:
        result = await tool(**call.arguments)
    except CallError as error:
        return ModelMessage("tool", f"error: {error}", answers=call.id)
    hides = redactor(tool.result)
    told = shown(result if hides is None else hides.plain(codec.plain(result)))
    return ModelMessage("tool", told[:LONGEST], answers=call.id)
