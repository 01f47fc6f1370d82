"""The sessions of the older era that have begun: what their clients can, and what is being answered in them by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mads.gateway.protocol.reach import connection_of

if TYPE_CHECKING:
    from mcp.server.connection import Connection
    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
    from mcp_types import CancelledNotificationParams


class Cancelled(Exception):
    """The client of a call has taken it back."""


class Session:
    """A session that has begun; its `connection` knows what its client said of itself."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._answering: dict[str, asyncio.Task[Any]] = {}
        self._taken_back = set[asyncio.Task[Any]]()

    @contextmanager
    def answering(self, id_: str | int) -> Generator[None]:
        """Answer the request of that id inside; raises `Cancelled` where its client takes it back."""
        task = asyncio.current_task()
        assert task is not None
        self._answering[str(id_)] = task
        try:
            yield
        except asyncio.CancelledError:
            if task not in self._taken_back or task.uncancel() > 0:
                raise
            raise Cancelled from None
        finally:
            self._taken_back.discard(task)
            self._answering.pop(str(id_), None)

    def take_back(self, id_: str | int) -> None:
        """Cancel what is being answered under that id."""
        task = self._answering.pop(str(id_), None)
        if task is not None:
            self._taken_back.add(task)
            task.cancel()

    def end(self) -> None:
        """Cancel all that is being answered."""
        for id_ in list(self._answering):
            self.take_back(id_)


class Sessions:
    """All of one address, by their ids."""

    def __init__(self) -> None:
        self._begun: dict[str, Session] = {}

    def find(self, id_: str) -> Session | None:
        """Return the session of that id, if it has begun."""
        return self._begun.get(id_)

    async def observe(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Have a request of the SDK's answered; know the session that one begins, until it ends."""
        connection = connection_of(ctx)
        id_ = connection.session_id
        if ctx.method == "initialize" and id_ is not None and id_ not in self._begun:
            session = self._begun[id_] = Session(connection)
            connection.exit_stack.callback(session.end)
            connection.exit_stack.callback(self._begun.pop, id_)
        return await call_next(ctx)

    async def cancelled(self, context: ServerRequestContext[Any, Any], params: CancelledNotificationParams) -> None:
        """Hear that a client has taken a request back; the SDK cancels those that it answers itself."""
        session = self._begun.get(connection_of(context).session_id or "")
        if session is not None and params.request_id is not None:
            session.take_back(params.request_id)
