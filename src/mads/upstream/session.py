"""One connection to an MCP server, of either era, spoken by the SDK's client; what goes in and out is plain JSON."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

from mcp import Client
from mcp_types import Implementation
from pydantic import BaseModel

from mads.upstream.bearer import Bearer
from mads.upstream.calls import Calls, answers, plain
from mads.upstream.changes import Changed, Changes, modern
from mads.upstream.faults import first, told, typed
from mads.upstream.lean import Lean
from mads.upstream.peer import Peer, Said
from mads.upstream.post import Post
from mads.upstream.server import Server
from mads.upstream.watched import Fetch, child, client_for, remote
from mads.wire.errors import DeadlineExceeded, Denied, Failed, InvalidMessage, NoResponder
from mads.wire.tools import Definition

PAGES = 200
"""How many pages a list may have."""
CLOSE_WITHIN = 1.5
"""The seconds that a connection has to end in order."""
ROUNDS = 20
"""How often a server may ask back in one call."""

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
        fetch: Fetch,
        auth: Bearer | None = None,
    ) -> None:
        self._server, self._secret, self._said, self._auth, self._fetch = server, secret, said, auth, fetch
        self._calls, self._changes = Calls(), Changes(changed)
        self.gone, self._leave = asyncio.Event(), asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._client: Client | None = None
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
        return modern(self._spoken)

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
            await self._changes.follow(client, [it.name for it in found if it.kind == "resource"])
        return found, "; ".join(missing)

    def fits(self, peer: Peer) -> bool:
        """Return whether a call of `peer` may join those that are open."""
        return self.modern or self._calls.fits(peer)

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
        with typed():
            result = await self._spoken.complete(reference, argument, context_arguments=dict(known) or None)
        return result.completion.model_dump(by_alias=True, exclude_none=True, mode="json")

    @property
    def _spoken(self) -> Client:
        if self._client is None or self.gone.is_set():
            raise NoResponder("it is not connected", retry_after=1.0)
        return self._client

    async def _rounds(self, method: str, params: Said, spoken: Spoken, peer: Peer) -> Said:
        """Ask until there is a result, with the answers to what the server wants to know in between."""
        given, state = dict[str, BaseModel](), None
        with self._calls.opened(peer):
            for _ in range(ROUNDS):
                with typed():
                    came = await self._once(method, params, spoken, peer, given=given, state=state)
                if came.get("resultType") != "input_required":
                    return came
                given, state = await answers(came, peer), came.get("requestState")
        raise Failed(f"it asked back {ROUNDS} times without an end")

    async def _once(
        self,
        method: str,
        params: Said,
        spoken: Spoken,
        peer: Peer,
        *,
        given: Mapping[str, BaseModel],
        state: str | None,
    ) -> Said:
        if self._lean is None or self.gone.is_set():
            return plain(await spoken(dict(given) or None, state))
        more: Said = {"inputResponses": {name: plain(it) for name, it in given.items()}} if given else {}
        more |= {"requestState": state} if state is not None else {}
        async with asyncio.timeout(self._server.within):
            return await self._lean.request(method, {**params, **more}, peer)

    async def _all(self, fetch: Callable[..., Awaitable[Any]], field: str) -> Sequence[Said]:
        found: list[Said] = []
        cursor: str | None = None
        with typed():
            for _ in range(PAGES):
                page = await fetch(cursor=cursor)
                found += [plain(each) for each in getattr(page, field)]
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
                listening = asyncio.create_task(self._changes.listen(self._client))
                try:
                    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in (*ends, listening):
                        task.cancel()
                    await asyncio.gather(*ends, listening, return_exceptions=True)
        except Exception as error:  # noqa: BLE001  a server may fail in any way
            if not opened.done() and isinstance(first(error), Denied):
                opened.set_exception(first(error))
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
                transport = child(self._server, self._complain, self.gone, self._fetch)
            client = Client(
                transport,
                mode="auto",
                cache=None,
                read_timeout_seconds=self._server.within,
                client_info=Implementation(name="mads", version="1"),
                sampling_callback=self._calls.sampled,
                list_roots_callback=self._calls.rooted,
                elicitation_callback=self._calls.elicited,
                logging_callback=self._calls.logged,
                log_level="debug",
                message_handler=self._changes.heard,
            )
            await stack.enter_async_context(client)
            if http is not None and modern(client):
                post = Post(self._server.url)
                stack.callback(post.close)
                self._lean = Lean(post, client.protocol_version, self._secret, self._auth)
            yield client

    def _complain(self, line: str) -> None:
        self._words = line
        self._said(line)
