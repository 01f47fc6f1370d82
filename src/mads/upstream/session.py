"""One connection to an MCP server, of either era, spoken by the SDK's client; what goes in and out is plain JSON.

Every way in which a server can fail is one of: `NoResponder`, it was not reached; `Lost`, it went away, or answered in
no MCP; `DeadlineExceeded`, it took too long; `InvalidMessage` and `Failed`, it refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any, Protocol, cast

import httpx2
from mcp import Client, MCPError
from mcp.client.session import ClientRequestContext
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp_types import (
    CONNECTION_CLOSED,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    REQUEST_TIMEOUT,
    CallToolResult,
    CreateMessageResult,
    ElicitResult,
    ErrorData,
    GetPromptResult,
    Implementation,
    InputRequiredResult,
    ListRootsResult,
    ReadResourceResult,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, ValidationError

from mads.upstream.server import Server
from mads.upstream.watched import child, client_for, remote
from mads.wire.errors import CallError, DeadlineExceeded, Failed, InvalidMessage, Lost, NoResponder
from mads.wire.tools import Definition

Said = dict[str, Any]
"""An object of JSON, as MCP has it."""

Ask = Callable[[str, Said, str], Awaitable[Said]]
"""Answers a request of the server: method, parameters, its name in the call; raises `CallError` if nobody does."""


class Tell(Protocol):
    """Hears how far a call has come."""

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        """Hear it: so much is done, of so much, and a few words."""


Changed = Callable[[str], Awaitable[None]]
"""Hears that a list has changed ("tools", "prompts", "resources"), or what stands at an address."""

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

_HTTP_ERROR = "Server returned an error response"
"""What the SDK says of a status that is neither good nor "not found"."""


class Session:
    """A connection to `server` that shows `secret`; `open` it, `close` it; `gone` is set when it is of no more use."""

    def __init__(
        self,
        server: Server,
        secret: str,
        *,
        changed: Changed,
        said: Callable[[str], None],
        auth: httpx2.Auth | None = None,
    ) -> None:
        self._server, self._secret, self._changed, self._said, self._auth = server, secret, changed, said, auth
        self.gone, self._leave = asyncio.Event(), asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._client: Client | None = None
        self._asking: list[Ask] = []
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
        return found, "; ".join(missing)

    async def call(self, name: str, arguments: Said, ask: Ask, tell: Tell | None, meta: Said) -> Said:
        """Call a tool; return its `CallToolResult`."""
        session = self._spoken.session

        async def once(answers: Any, state: str | None) -> Any:
            return await session.call_tool(
                name,
                arguments,
                progress_callback=tell,
                input_responses=answers,
                request_state=state,
                meta=meta or None,  # type: ignore[arg-type]
                allow_input_required=True,
            )

        return await self._rounds(once, CallToolResult, ask)

    async def read(self, uri: str, ask: Ask) -> Said:
        """Read what stands at `uri`; return a `ReadResourceResult`."""
        session = self._spoken.session

        async def once(answers: Any, state: str | None) -> Any:
            return await session.read_resource(
                uri, input_responses=answers, request_state=state, allow_input_required=True
            )

        return await self._rounds(once, ReadResourceResult, ask)

    async def prompt(self, name: str, arguments: Mapping[str, str], ask: Ask) -> Said:
        """Get a prompt; return a `GetPromptResult`."""
        session = self._spoken.session

        async def once(answers: Any, state: str | None) -> Any:
            return await session.get_prompt(
                name, dict(arguments), input_responses=answers, request_state=state, allow_input_required=True
            )

        return await self._rounds(once, GetPromptResult, ask)

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

    async def _rounds(self, once: Callable[[Any, str | None], Awaitable[Any]], result: type[Any], ask: Ask) -> Said:
        """Ask until there is a result, with the answers to what the server wants to know in between."""
        self._asking.append(ask)
        try:
            answers, state = None, None
            for _ in range(ROUNDS):
                with _typed():
                    came = await once(answers, state)
                if isinstance(came, result):
                    return _plain(came)
                assert isinstance(came, InputRequiredResult)
                wanted, state = came.input_requests or {}, came.request_state
                came = await asyncio.gather(
                    *(_reply(each.method, each.params, key, ask) for key, each in wanted.items())
                )
                answers = dict(zip(wanted, came, strict=True)) or None
            raise Failed(f"it asked back {ROUNDS} times without an end")
        finally:
            self._asking.remove(ask)

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
            if not opened.done():
                why = f"{told(error)}: {self._words}" if self._words else told(error)
                opened.set_exception(NoResponder(why))
        finally:
            self.gone.set()
            if not opened.done():
                opened.cancel()

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[Client]:
        async with AsyncExitStack() as stack:
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
                message_handler=self._heard,
            )
            yield await stack.enter_async_context(client)

    def _complain(self, line: str) -> None:
        self._words = line
        self._said(line)

    async def _listen(self) -> None:
        """In the newer era, hear of changes for as long as the server tells of them."""
        client = self._spoken
        with suppress(MCPError, SubscriptionLost, ListenNotSupportedError, TimeoutError):
            async with client.listen(
                tools_list_changed=True, prompts_list_changed=True, resources_list_changed=True
            ) as events:
                async for event in events:
                    await self._changed(type(event).__name__.removesuffix("ListChanged").lower())

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
        if len(self._asking) != 1:
            said = f"{len(self._asking)} calls are open: nobody knows for which of them this is"
            return ErrorData(code=INVALID_PARAMS, message=said)
        try:
            return await _reply(method, params, "", self._asking[0])
        except CallError as error:
            return ErrorData(code=METHOD_NOT_FOUND, message=str(error))


def _plain(said: BaseModel) -> Said:
    """Return what a server said, as it said it."""
    return said.model_dump(by_alias=True, exclude_unset=True, mode="json")


async def _reply(method: str, params: BaseModel | None, name: str, ask: Ask) -> Any:
    said = {} if params is None else params.model_dump(by_alias=True, exclude_none=True, mode="json")
    answer = await ask(method, said, name)
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
        raise _refusal(error.error.code, error.error.message) from error
    except TimeoutError as error:
        raise DeadlineExceeded("it did not answer in time") from error
    except (ValidationError, ValueError, RuntimeError) as error:
        raise Lost(f"its answer is no MCP: {told(error)}") from error
    except (httpx2.HTTPError, OSError) as error:
        raise NoResponder(told(error)) from error


def _refusal(code: int, message: str) -> CallError:
    said = f"{message:.500}"
    match code:
        case _ if code == REQUEST_TIMEOUT:
            return DeadlineExceeded(f"it did not answer in time ({said})")
        case _ if code in (CONNECTION_CLOSED, PARSE_ERROR, INVALID_REQUEST):
            return Lost(f"it did not answer as a server does ({said})")
        case _ if message == _HTTP_ERROR:
            return NoResponder("it answered with an HTTP error")
        case _ if code in (INVALID_PARAMS, METHOD_NOT_FOUND):
            return InvalidMessage(said)
        case _:
            return Failed(f"{said} ({code})")


def told(error: BaseException) -> str:
    """Return the first cause in `error` in one short line."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    lines = str(error).splitlines() or [type(error).__name__]
    return f"{lines[0]:.300}"
