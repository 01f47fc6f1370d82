"""One client on standard input and output, whose last requests are answered after it has closed its end."""

from __future__ import annotations

import asyncio
from typing import Any

from anyio import create_memory_object_stream, create_task_group, move_on_after
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import PARSE_ERROR, ErrorData, JSONRPCError, JSONRPCRequest, JSONRPCResponse

ANSWER_WITHIN = 1.0
"""The seconds for which a client over stdio is answered that has closed its end."""

_NO_MESSAGE = SessionMessage(
    JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=PARSE_ERROR, message="the line is no JSON-RPC message"))
)


async def over_stdio(server: Server[Any]) -> None:
    """Serve one client on standard input and output until it closes its end.

    What it asked for before that is answered, if that is soon; at the end of its input the SDK would drop it.
    """
    incoming, understood = create_memory_object_stream[SessionMessage | Exception]()
    answering, answers = create_memory_object_stream[SessionMessage]()
    open_, changed = set[Any](), asyncio.Event()
    async with stdio_server() as (lines, sending), create_task_group() as tasks:

        async def read() -> None:
            async with incoming:
                async for line in lines:
                    open_.update(_asked(line))
                    await (sending.send(_NO_MESSAGE) if isinstance(line, Exception) else incoming.send(line))
                with move_on_after(ANSWER_WITHIN):
                    while open_:
                        changed.clear()
                        await changed.wait()

        async def write() -> None:
            async with sending:
                async for answer in answers:
                    await sending.send(answer)
                    open_.difference_update(_answered(answer))
                    changed.set()

        tasks.start_soon(read)
        tasks.start_soon(write)
        await server.run(understood, answering, server.create_initialization_options())


def _asked(message: SessionMessage | Exception) -> list[Any]:
    """Return the id of a request, if it is one."""
    said = message.message if isinstance(message, SessionMessage) else None
    return [said.id] if isinstance(said, JSONRPCRequest) else []


def _answered(message: SessionMessage) -> list[Any]:
    """Return the id of an answer, if it is one."""
    said = message.message
    return [said.id] if isinstance(said, JSONRPCResponse | JSONRPCError) else []
