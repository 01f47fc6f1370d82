"""One tool call, from a client's arguments to its answer; knows nothing of how either travels."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

import msgspec
from msgspec import Struct

from mads.gateway import answer, content
from mads.gateway.changes import EVERY_LIST, Change, Changes, between
from mads.gateway.door import Door
from mads.gateway.names import DESCRIBE, SEARCH
from mads.gateway.offer import Offer
from mads.gateway.reach import OUT_OF_REACH, Reach
from mads.gateway.reporter import Reporter
from mads.gateway.rounds import Rounds
from mads.gateway.surface import Listing, Shows, Surface, by_scopes
from mads.gateway.view import View
from mads.host.door import RIGHTS
from mads.wire.call import Identity
from mads.wire.context import Origin, incoming, traceparent
from mads.wire.errors import CallError, CannotAsk, ConfigError, InvalidMessage, MadsError
from mads.wire.ids import call_ids, span_ids, trace_ids
from mads.wire.tools import ToolInfo

CONVERSATION = "mads/conversation"
"""The key of a request's `_meta` by which a client says which conversation the call belongs to."""

NOTES = "mads/notes"
WORTH = "mads/worth"
"""The key of a request's `_meta` for prose that rides along with the call, for whoever reads its record."""

_CONVERSATION = re.compile(r"[\w.:-]{1,128}")


class Client(Struct, frozen=True):
    """Who calls, and what it says beside that: the `_meta` of its request, its HTTP headers, its version of MCP.

    `reach` is how it hears of what happens meanwhile.
    """

    identity: Identity
    meta: Mapping[str, Any]
    headers: Mapping[str, str]
    protocol: str
    reach: Reach = OUT_OF_REACH


class Asked(Struct, frozen=True):
    """One call: the id it goes by, where it stands in a trace, and for whom it is made."""

    request: str
    origin: Origin
    client: Client

    def stamped(self, told: answer.Answer) -> answer.Answer:
        """Return an answer that says where in its trace the call stands."""
        origin = self.origin
        meta = {"traceparent": traceparent(origin.trace, origin.span, origin.context)}
        return {**told, "_meta": {**told.get("_meta", {}), **meta}}


class Refusal(Exception):
    """A resource, a prompt or a completion cannot be had: why, in words, by its `code` and in full."""

    def __init__(self, words: str, code: str, data: dict[str, Any]) -> None:
        super().__init__(words)
        self.code, self.data = code, data


class Missing(Exception):
    """There is no resource at `uri`."""

    def __init__(self, uri: str) -> None:
        super().__init__(f"there is no resource at {uri!r:.200}; list the resources and their templates")
        self.uri = uri


class Lacking(Exception):
    """A call failed since its client cannot be asked by `method`."""

    def __init__(self, words: str, method: str) -> None:
        super().__init__(words)
        self.method = method


class Calls:
    """What a door offers, listed for whom `shows` says, called and read."""

    def __init__(self, door: Door, view: View, shows: Shows) -> None:
        self._door, self.view, self.shows = door, view, shows
        self._tools: Sequence[ToolInfo] = ()
        self._new_id, self._new_trace, self._new_span = call_ids(), trace_ids(), span_ids()
        self._rounds, self.changes = Rounds(), Changes()
        self.surface = Surface(())

    @classmethod
    async def of(cls, door: Door, view: View | None = None, shows: Shows = by_scopes) -> Self:
        """Return what a view shows of `door`; raise `ConfigError` where clients could not use the names."""
        calls = cls(door, view or View(), shows)
        await calls.refresh()
        if calls.surface.is_empty and calls.view.name and not calls.missing():
            shown = ", ".join(calls.view.config.tools)
            raise ConfigError(f"{calls.view.place} shows nothing: no tool fits {shown}; mads show lists all")
        return calls

    def missing(self) -> dict[str, str]:
        """Return for each MAD that does not show all it has why that is."""
        return {**self.surface.hidden, **self._door.missing()}

    async def refresh(self) -> Surface:
        """Return what the door offers now; raise `ConfigError` where clients could not use it."""
        tools = await self._door.tools()
        if tools is not self._tools:
            if tools != self._tools:
                self.surface = Surface(tools, self.view)
            self._tools = tools
        return self.surface

    def readable(self, uri: str, identity: Identity) -> bool:
        """Return whether something stands at `uri` that `identity` may read."""
        found = self.surface.resource(uri)
        return found is not None and self.shows(identity, found[0].tool)

    def listing(self, kind: str, identity: Identity, cursor: str | None = None) -> tuple[Listing, str | None]:
        """Return a page of one of the lists, as `identity` is shown it, and the cursor of the next."""
        return self.surface.listing(kind, identity, self.shows, cursor)

    def meta(self, name: str, arguments: Mapping[str, Any], identity: Identity) -> answer.Answer | None:
        """Return the answer of one of the tools by which the others are found; None where it is none of them."""
        search = self.surface.search
        if search is None or name not in (SEARCH, DESCRIBE):
            return None
        try:
            if name == SEARCH:
                value = search.found(arguments, lambda tool: self.shows(identity, tool))
                return answer.result(value, structured=True, wrapped=False)
            offer = self.surface.find(str(arguments.get("name")))
            if offer is None or not self.shows(identity, offer.tool):
                raise InvalidMessage(f"there is no tool {arguments.get('name')!r:.80}; {SEARCH} finds those there are")
            return answer.result(offer.listing(), structured=True, wrapped=False)
        except CallError as error:
            return answer.failure(error, self._new_id())

    async def call(self, offer: Offer, arguments: dict[str, Any], client: Client) -> answer.Answer:
        """Call one tool."""
        asked = Asked(self._new_id(), self._origin(client), client)

        async def work(reporter: Reporter) -> answer.Answer:
            try:
                value = await self._value(offer, arguments, reporter, asked)
                told = _result(offer, value)
            except CallError as error:
                _refuse_lacking(error, reporter, client)
                told = answer.failure(error, asked.request)
            return asked.stamped(told)

        return await self._through(offer, work, client)

    async def read(self, uri: str, client: Client) -> answer.Answer:
        """Return what stands at `uri`; raise `Missing` where nothing does, `Refusal` where it cannot be had."""
        found = self.surface.resource(uri)
        if found is None:
            raise Missing(uri)
        offer, said = found
        is_foreign = offer.tool.foreign is not None

        def shaped(value: Any) -> answer.Answer:
            fresh = int(offer.tool.fresh * 1000)
            if is_foreign:
                return {"ttlMs": fresh, "cacheScope": "private", **value}
            return {"contents": content.contents(offer.tool, uri, value), "ttlMs": fresh, "cacheScope": "private"}

        return await self._returned(offer, {"uri": uri} if is_foreign else said, shaped, client)

    async def prompt(self, offer: Offer, said: Mapping[str, str], client: Client) -> answer.Answer:
        """Return the messages of a prompt; raise `Refusal` where they cannot be had."""

        def shaped(value: Any) -> answer.Answer:
            if offer.tool.foreign is not None:
                return {**value}
            return {"description": offer.tool.description, "messages": content.messages(value)}

        return await self._returned(offer, said, shaped, client)

    async def complete(
        self, of: Offer, argument: str, written: str, known: Mapping[str, str], client: Client
    ) -> answer.Answer:
        """Return what completes an argument of a resource or a prompt, of whose others some are `known`."""
        offer = self.surface.completion(of, argument)
        if offer is None:
            return {"resultType": "complete", "completion": content.completion([])}
        is_foreign = offer.tool.foreign is not None
        takes = offer.arguments.schema.get("properties", {})
        said = {**{name: text for name, text in known.items() if is_foreign or name in takes}, "value": written}

        def shaped(value: Any) -> answer.Answer:
            if is_foreign:
                return {"completion": value}
            return {"completion": content.completion(value)}

        return await self._returned(offer, said, shaped, client)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Tell of changes while inside; then end the calls that wait for their clients."""
        news: set[asyncio.Task[None]] = set()

        def hear(uri: str) -> None:
            if uri:
                for change in EVERY_LIST if uri == RIGHTS else (Change("resource", uri),):
                    self.changes.tell(change)
                return
            task = asyncio.create_task(self._look_again())
            news.add(task)
            task.add_done_callback(news.discard)

        async with self._door.watched(hear):
            yield
        await asyncio.gather(self._rounds.close(), *news)

    async def _look_again(self) -> None:
        """Tell which lists are others now; where clients could not use them, each request says so."""
        before = self.surface.lists
        with suppress(MadsError):
            for change in between(before, (await self.refresh()).lists):
                self.changes.tell(change)

    async def _returned(
        self, offer: Offer, said: Mapping[str, str], shaped: Callable[[Any], answer.Answer], client: Client
    ) -> answer.Answer:
        """Return what came back for something that is read, `shaped` as its answer; raise `Refusal` where it cannot."""
        asked = Asked(self._new_id(), self._origin(client), client)

        async def work(reporter: Reporter) -> answer.Answer:
            try:
                value = await self._value(offer, offer.arguments.spelled(said), reporter, asked)
                return asked.stamped(answer.whole({"resultType": "complete", **shaped(value)}))
            except CallError as error:
                _refuse_lacking(error, reporter, client)
                words, full = answer.told(error, asked.request)
                raise Refusal(words, error.code, {answer.FAILURE: full}) from error

        return await self._through(offer, work, client)

    async def _through(
        self, offer: Offer, work: Callable[[Reporter], Coroutine[Any, Any, answer.Answer]], client: Client
    ) -> answer.Answer:
        """Do `work`, in rounds where its client may be asked only so; raise `Gone` for a round that is over."""
        reach, whose = client.reach, f"{client.identity.tenant} {client.identity.principal}"
        if reach.state is not None:
            return await self._rounds.go_on(whose, reach.state, reach)
        reporter = Reporter(reach, interactive=offer.tool.interactive)
        if not offer.tool.interactive or reach.ask is not None or not reach.can:
            return await work(reporter)
        return await self._rounds.begin(whose, work(reporter), reporter)

    def _origin(self, client: Client) -> Origin:
        """Return where a call stands: in the trace that the request names, else the connection, else in its own."""
        ways = [incoming(client.meta), incoming(client.headers)]
        said = next((way for way in ways if way.trace), ways[0])
        context = msgspec.structs.replace(said.context, protocol=client.protocol, reaches=client.reach.methods)
        return Origin(said.trace or self._new_trace(), self._new_span(), said.parent, context)

    async def _value(self, offer: Offer, arguments: dict[str, Any], reporter: Reporter, asked: Asked) -> Any:
        client, said = asked.client, asked.client.meta.get(CONVERSATION)
        try:
            async with reporter:
                value = await self._door.call(
                    offer.tool.name,
                    arguments,
                    request=asked.request,
                    identity=client.identity,
                    sink=reporter,
                    origin=asked.origin,
                    conversation=said if isinstance(said, str) and _CONVERSATION.fullmatch(said) else None,
                    notes=_notes(client.meta),
                    worth=_worth(client.meta),
                )
        except InvalidMessage as error:
            if offer.tool.foreign is not None:  # its server has said why
                raise
            explained = _explained(error, offer, arguments)
            if explained is error:
                raise
            raise explained from None
        return reporter.items if offer.tool.streams else value


def _result(offer: Offer, value: Any) -> answer.Answer:
    if offer.tool.foreign is not None:
        return answer.relayed(value)
    if offer.tool.content:
        return answer.pieces(value)
    return answer.result(value, structured=offer.output_schema is not None, wrapped=offer.wrapped)


def _refuse_lacking(error: CallError, reporter: Reporter, client: Client) -> None:
    """Raise `Lacking` where a call failed for what its client cannot be asked, as the newer era wants to be told."""
    if isinstance(error, CannotAsk) and reporter.lacking and client.reach.ask is None:
        raise Lacking(str(error), reporter.lacking)


def _notes(meta: Mapping[str, Any]) -> str | None:
    notes = meta.get(NOTES)
    if notes is not None and not isinstance(notes, str):
        raise InvalidMessage(f"{NOTES} is prose; write a string, not {notes!r:.80}")
    return notes


def _worth(meta: Mapping[str, Any]) -> float | None:
    worth = meta.get(WORTH)
    if worth is not None and (isinstance(worth, bool) or not isinstance(worth, int | float)):
        raise InvalidMessage(f"{WORTH} is a number of dollars, as in 0.05, not {worth!r:.80}")
    return worth


def _explained(error: CallError, offer: Offer, arguments: dict[str, Any]) -> CallError:
    """Return what the schema has to say of the arguments that were refused, or `error` where that is nothing."""
    try:
        offer.arguments.check(arguments)
    except InvalidMessage as mistakes:
        return mistakes
    return error
