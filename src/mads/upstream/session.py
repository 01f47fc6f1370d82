"""One connection to an MCP server, of either era, spoken by the SDK's client; what goes in and out is plain JSON.

Every way in which a server can fail is one of: `NoResponder`, it was not reached; `Lost`, it went away, or answered in
no MCP; `DeadlineExceeded`, it took too long; `InvalidMessage` and `Failed`, it refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any, cast

import httpx2
from mcp import Client, MCPError
from mcp.client.session import ClientRequestContext
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.subscriptions import ResourceUpdated
from mcp_types import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    CreateMessageResult,
    ElicitResult,
    EmptyResult,
    ErrorData,
    Implementation,
    ListRootsResult,
    LoggingMessageNotificationParams,
    SubscribeRequest,
    SubscribeRequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, ValidationError

from mads.upstream.lean import Lean
from mads.upstream.oauth.signin import SignIn
from mads.upstream.peer import Peer, Said, refusal
from mads.upstream.post import Post
from mads.upstream.server import Server
from mads.upstream.watched import child, client_for, remote
from mads.wire.errors import CallError, DeadlineExceeded, Denied, Failed, InvalidMessage, Lost, NoResponder
from mads.wire.tools import Definition

Changed = Callable[[str], Awaitable[None]]
"""Hears that a list has changed ("tools", "prompts", "resources"), or what stands at an address."""

WATCHED = 200
"""How many resources of one server are followed."""
PAGES = 200
"""How many pages a list may have."""
CLOSE_WITHIN = 1.5
"""The seconds that a connection has to end in order."""
ROUNDS = 20
"""How often a server may ask back in one call."""

_ANSWERS: dict[str, type[BaseModel]] = {
    "elicitation/create": ElicitResult,
    "sampling/createMessage": CreateMessageResult,
    "roots/list": ListRootsResult,
}
Spoken = Callable[[Any, str | None], Awaitable[BaseModel]]
"""Asks once by the SDK's client, with answers to what was asked back, and the state that came with that."""


class Session:
    """A connection to `server` that shows `secret`; `open` it, `close` it; `gone` is set when it is of no more use."""

    def __init__(
        self,
        server: Server,
        secret: str,
        *,
        changed: Changed,
        said: Callable[[str], None],
        auth: SignIn | None = None,
    ) -> None:
        self._server, self._secret, self._changed, self._said, self._auth = server, secret, changed, said, auth
        self.gone, self._leave = asyncio.Event(), asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._client: Client | None = None
        self._peers: list[Peer] = []
        self._uris: list[str] = []
        self._anew = asyncio.Event()
        self._lean: Lean | None = None
        self._words = ""

    async def open(self) -> None:
        """Return once the server has said who it is; raise `NoResponder` where it does not within its time."""
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running = asyncio.create_task(self._run(opened), name=f"upstream {self._server.mcp}")
        try:
            async with asyncio.timeout(self._server.within):
                await opened
        except TimeoutError:
            await self.close()
            raise NoResponder(f"it did not say who it is within {self._server.within:g} s") from None
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the server, and end it where it was started here."""
        self._leave.set()
        if self._running is not None:
            if self._client is None:  # it is still being opened
                self._running.cancel()
            await asyncio.wait((self._running,), timeout=CLOSE_WITHIN)
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    @property
    def opened(self) -> bool:
        """Whether it was opened."""
        return self._running is not None

    @property
    def modern(self) -> bool:
        """Whether the server speaks the era in which each request stands alone."""
        return self._spoken.protocol_version in MODERN_PROTOCOL_VERSIONS

    @property
    def instructions(self) -> str:
        """What the server says of itself."""
        return self._spoken.instructions or ""

    async def definitions(self) -> tuple[list[Definition], str]:
        """Return what the server offers, and which lists it would not give and why ("": it gave them all)."""
        offers = self._spoken.server_capabilities
        client, found, missing = self._spoken, list[Definition](), list[str]()
        lists: list[tuple[Any, str, Any, str, str]] = [
            (offers.tools, "tool", client.list_tools, "tools", "name"),
            (offers.resources, "resource", client.list_resources, "resources", "uri"),
            (offers.resources, "template", client.list_resource_templates, "resource_templates", "uriTemplate"),
            (offers.prompts, "prompt", client.list_prompts, "prompts", "name"),
        ]
        for offered, kind, fetch, field, key in lists:
            if offered is None:
                continue
            try:
                said = await self._all(fetch, field)
            except InvalidMessage:  # it has no such list, which some servers find out when they are asked
                continue
            except (Failed, DeadlineExceeded, NoResponder) as error:
                missing.append(f"{field.replace('_', ' ')}: {error}")
                continue
            found += [Definition(kind, each[key], each) for each in said]  # type: ignore[arg-type]
        if self._lean is not None:
            self._lean.know(found)
        if offers.resources is not None and offers.resources.subscribe:
            await self._follow([it.name for it in found if it.kind == "resource"][:WATCHED])
        return found, "; ".join(missing)

    def fits(self, peer: Peer) -> bool:
        """Return whether a call of `peer` may join those that are open.

        In the older era a server asks without saying on behalf of which call; so who can be asked has to be alone.
        """
        return not self._peers or self.modern or not any(each.asked for each in (peer, *self._peers))

    async def call(self, name: str, arguments: Said, peer: Peer) -> Said:
        """Call a tool; return its `CallToolResult`."""

        async def spoken(answers: Any, state: str | None) -> BaseModel:
            return await self._spoken.session.call_tool(
                name,
                arguments,
                progress_callback=peer.progress,
                input_responses=answers,
                request_state=state,
                meta=cast("Any", peer.meta or None),
                allow_input_required=True,
            )

        return await self._rounds("tools/call", {"name": name, "arguments": arguments}, spoken, peer)

    async def read(self, uri: str, peer: Peer) -> Said:
        """Read what stands at `uri`; return a `ReadResourceResult`."""

        async def spoken(answers: Any, state: str | None) -> BaseModel:
            return await self._spoken.session.read_resource(
                uri, input_responses=answers, request_state=state, allow_input_required=True
            )

        return await self._rounds("resources/read", {"uri": uri}, spoken, peer)

    async def prompt(self, name: str, arguments: dict[str, str], peer: Peer) -> Said:
        """Get a prompt; return a `GetPromptResult`."""

        async def spoken(answers: Any, state: str | None) -> BaseModel:
            return await self._spoken.session.get_prompt(
                name, arguments, input_responses=answers, request_state=state, allow_input_required=True
            )

        return await self._rounds("prompts/get", {"name": name, "arguments": arguments}, spoken, peer)

    async def complete(self, reference: Any, argument: Said, known: Mapping[str, str]) -> Said:
        """Complete an argument of what `reference` names; return the `completion`."""
        with _typed():
            result = await self._spoken.complete(reference, argument, context_arguments=dict(known) or None)
        return result.completion.model_dump(by_alias=True, exclude_none=True, mode="json")

    @property
    def _spoken(self) -> Client:
        if self._client is None or self.gone.is_set():
            raise NoResponder("it is not connected", retry_after=1.0)
        return self._client

    async def _rounds(self, method: str, params: Said, spoken: Spoken, peer: Peer) -> Said:
        """Ask until there is a result, with the answers to what the server wants to know in between."""
        answers, state = dict[str, BaseModel](), None
        self._peers.append(peer)
        try:
            for _ in range(ROUNDS):
                with _typed():
                    came = await self._once(method, params, spoken, peer, answers=answers, state=state)
                if came.get("resultType") != "input_required":
                    return came
                wanted, state = _wanted(came), came.get("requestState")
                asked = [_reply(*request, name, peer) for name, request in wanted.items()]
                answers = dict(zip(wanted, await asyncio.gather(*asked), strict=True))
            raise Failed(f"it asked back {ROUNDS} times without an end")
        finally:
            self._peers.remove(peer)

    async def _once(
        self,
        method: str,
        params: Said,
        spoken: Spoken,
        peer: Peer,
        *,
        answers: Mapping[str, BaseModel],
        state: str | None,
    ) -> Said:
        if self._lean is None or self.gone.is_set():
            return _plain(await spoken(dict(answers) or None, state))
        more: Said = {"inputResponses": {name: _plain(it) for name, it in answers.items()}} if answers else {}
        more |= {"requestState": state} if state is not None else {}
        async with asyncio.timeout(self._server.within):
            return await self._lean.request(method, {**params, **more}, peer)

    async def _all(self, fetch: Callable[..., Awaitable[Any]], field: str) -> Sequence[Said]:
        found: list[Said] = []
        cursor: str | None = None
        with _typed():
            for _ in range(PAGES):
                page = await fetch(cursor=cursor)
                found += [_plain(each) for each in getattr(page, field)]
                cursor = page.next_cursor
                if cursor is None:
                    return found
        raise Failed(f"the list has more than {PAGES} pages")

    async def _run(self, opened: asyncio.Future[None]) -> None:
        try:
            async with self._connected() as self._client:
                opened.set_result(None)
                ends: list[asyncio.Task[Any]] = [
                    asyncio.create_task(event.wait()) for event in (self._leave, self.gone)
                ]
                listening = asyncio.create_task(self._listen())
                try:
                    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in (*ends, listening):
                        task.cancel()
                    await asyncio.gather(*ends, listening, return_exceptions=True)
        except Exception as error:  # noqa: BLE001  a server may fail in any way
            if not opened.done() and isinstance(_first(error), Denied):
                opened.set_exception(_first(error))
            elif not opened.done():
                why = f"{told(error)}: {self._words}" if self._words else told(error)
                opened.set_exception(NoResponder(why))
        finally:
            self.gone.set()
            if not opened.done():
                opened.cancel()

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[Client]:
        async with AsyncExitStack() as stack:
            http = None
            if self._server.url:
                http = await stack.enter_async_context(client_for(self._server, self._secret, self._auth))
                transport = remote(self._server, http, self.gone)
            else:
                transport = child(self._server, self._complain, self.gone)
            client = Client(
                transport,
                mode="auto",
                cache=None,
                read_timeout_seconds=self._server.within,
                client_info=Implementation(name="mads", version="1"),
                sampling_callback=self._sampled,
                list_roots_callback=self._rooted,
                elicitation_callback=self._elicited,
                logging_callback=self._logged,
                log_level="debug",
                message_handler=self._heard,
            )
            await stack.enter_async_context(client)
            if http is not None and client.protocol_version in MODERN_PROTOCOL_VERSIONS:
                post = Post(self._server.url)
                stack.callback(post.close)
                self._lean = Lean(post, client.protocol_version, self._secret, self._auth)
            yield client

    def _complain(self, line: str) -> None:
        self._words = line
        self._said(line)

    async def _listen(self) -> None:
        """In the newer era, hear of changes for as long as the server tells of them."""
        with suppress(MCPError, SubscriptionLost, ListenNotSupportedError, TimeoutError):
            while True:
                self._anew.clear()
                hearing, anew = asyncio.create_task(self._hear()), asyncio.create_task(self._anew.wait())
                try:
                    await asyncio.wait((hearing, anew), return_when=asyncio.FIRST_COMPLETED)
                    if hearing.done():
                        return hearing.result()
                finally:
                    hearing.cancel()
                    anew.cancel()
                    await asyncio.gather(hearing, anew, return_exceptions=True)

    async def _hear(self) -> None:
        """Pass on each change, of the lists and of what is followed."""
        everything = {"tools_list_changed": True, "prompts_list_changed": True, "resources_list_changed": True}
        async with self._spoken.listen(**everything, resource_subscriptions=self._uris) as events:
            async for event in events:
                listed = type(event).__name__.removesuffix("ListChanged").lower()
                await self._changed(event.uri if isinstance(event, ResourceUpdated) else listed)

    async def _follow(self, uris: list[str]) -> None:
        """Hear of changes of what stands at `uris`, and of nothing else."""
        before, self._uris = self._uris, uris
        if self.modern and before != uris:
            self._anew.set()
        elif not self.modern:
            with suppress(MCPError, TimeoutError):
                for uri in uris:
                    if uri not in before:
                        asked = SubscribeRequest(params=SubscribeRequestParams(uri=uri))
                        await self._spoken.session.send_request(asked, EmptyResult)

    async def _heard(self, message: Any) -> None:
        match getattr(message, "method", ""):
            case "notifications/resources/updated":
                await self._changed(str(message.params.uri))
            case method if method.endswith("/list_changed"):
                await self._changed(method.split("/")[1])
            case _:
                pass

    async def _sampled(self, context: ClientRequestContext, params: Any) -> Any:  # noqa: ARG002  the SDK's names
        return await self._asked("sampling/createMessage", params)

    async def _rooted(self, context: ClientRequestContext) -> Any:  # noqa: ARG002  as above
        return await self._asked("roots/list", None)

    async def _elicited(self, context: ClientRequestContext, params: Any) -> Any:  # noqa: ARG002  as above
        return await self._asked("elicitation/create", params)

    async def _asked(self, method: str, params: BaseModel | None) -> Any:
        """Answer a request that the server makes by itself; it does not say on behalf of which call."""
        if len(self._peers) != 1:
            said = f"{len(self._peers)} calls are open: nobody knows for which of them this is"
            return ErrorData(code=INVALID_PARAMS, message=said)
        try:
            return await _reply(method, {} if params is None else _plain(params), "", self._peers[0])
        except CallError as error:
            return ErrorData(code=METHOD_NOT_FOUND, message=str(error))

    async def _logged(self, params: LoggingMessageNotificationParams) -> None:
        """Pass on a line of the server's log where it can only be for one call."""
        if len(self._peers) == 1:
            self._peers[0].log(params.level, params.data, params.logger or "")


def _plain(said: BaseModel) -> Said:
    """Return what a server said, as it said it."""
    return said.model_dump(by_alias=True, exclude_unset=True, mode="json")


def _wanted(came: Said) -> dict[str, tuple[str, Said]]:
    """Return what a server wants to know, by name; raise `Lost` where that is no MCP."""
    match came:
        case {"inputRequests": {**requests}}:
            asked = cast("dict[str, Any]", requests)
        case _:
            asked = {}
    try:
        return {name: (str(it["method"]), dict(it.get("params") or {})) for name, it in asked.items()}
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise Lost("what it asks back is no MCP") from error


async def _reply(method: str, params: Said, name: str, peer: Peer) -> BaseModel:
    if method not in _ANSWERS:
        raise Failed(f"it asks for {method!r:.80}, which nobody knows")
    answer = await peer.ask(method, params, name)
    try:
        return _ANSWERS[method].model_validate(answer)
    except ValidationError as error:
        raise Failed(f"the answer to {method} does not fit: {told(error)}") from error


@contextmanager
def _typed() -> Generator[None]:
    """Turn whatever the SDK raises into an error of ours."""
    try:
        yield
    except CallError:
        raise
    except MCPError as error:
        raise refusal(error.error.code, error.error.message) from error
    except TimeoutError as error:
        raise DeadlineExceeded("it did not answer in time") from error
    except (ValidationError, ValueError, RuntimeError) as error:
        raise Lost(f"its answer is no MCP: {told(error)}") from error
    except (httpx2.HTTPError, OSError) as error:
        raise NoResponder(told(error)) from error


def _first(error: BaseException) -> BaseException:
    """Return the first cause in `error`."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error


def told(error: BaseException) -> str:
    """Return the first cause in `error` in one short line."""
    error = _first(error)
    lines = str(error).splitlines() or [type(error).__name__]
    return f"{lines[0]:.300}"
