"""Transports of the SDK, to a server that is ours to end, with a word when the other side has gone."""

from __future__ import annotations

import os
import sys
from asyncio import Event, StreamReader, StreamWriter, create_subprocess_exec, create_task, gather, timeout
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
from anyio import BrokenResourceError, ClosedResourceError, create_memory_object_stream, create_task_group
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter
from pydantic import ValidationError

from mads.upstream.handle import is_handle
from mads.upstream.server import Server

KEEPER = Path(__file__).with_name("keeper.py")

INHERITED = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER")
"""What a command finds in its environment without being told; no secret of the system's is among it."""

LONGEST = 16 * 1024 * 1024
"""How many bytes one message of a command may have."""

COMPLAINTS, LINE = 100, 4096
"""How many lines of a command's stderr are passed on, and how many bytes of it are read at once."""

NONSENSE = 1000
"""How many lines in a row may be no messages."""

GOING = 0.5
"""The seconds that a command has to end by itself once its input has ended."""

CONNECTIONS = httpx2.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=4)
"""How many connections to one server there are at most, and are kept for the next call: by Node's servers for 5 s."""

Fetch = Callable[[str], Awaitable[str]]
"""Returns the secret behind a handle; raises `ConfigError` or `Denied` where there is none for this server."""

Streams = Any
"""What the SDK's client reads from and writes to."""


@asynccontextmanager
async def child(server: Server, said: Callable[[str], None], gone: Event, fetch: Fetch) -> AsyncGenerator[Streams]:
    """Start the command of `server`, which ends with this process, however that ends; `said` hears its stderr."""
    env = {name: os.environ[name] for name in INHERITED if name in os.environ}
    secrets = {name: await fetch(value) for name, value in server.env.items() if is_handle(value)}
    env |= {**server.env, **secrets}
    keeper = (sys.executable, "-I", "-S", str(KEEPER), str(os.getpid()), *server.mcp)
    process = await create_subprocess_exec(
        *keeper, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=env, start_new_session=True, limit=LONGEST
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    heard, hearing = create_memory_object_stream[Any](0)
    speaking, spoken = create_memory_object_stream[SessionMessage](0)
    tasks = [
        create_task(_read(process.stdout, heard, gone), name=f"read {server.mcp[0]}"),
        create_task(_write(spoken, process.stdin), name=f"write {server.mcp[0]}"),
    ]
    complaining = create_task(_tell(process.stderr, said, tuple(secrets.values())), name=f"hear {server.mcp[0]}")
    try:
        yield hearing, speaking
    finally:
        for task in tasks:
            task.cancel()
        await gather(*tasks, return_exceptions=True)
        for stream in (heard, hearing, speaking, spoken):
            stream.close()
        process.stdin.close()
        draining = create_task(_drain(process.stdout))  # what is not read keeps a process from being over
        with suppress(TimeoutError):
            async with timeout(GOING):
                await process.wait()
        with suppress(ProcessLookupError):
            process.terminate()  # the keeper ends all that it started
        await gather(process.wait(), draining, complaining)


async def _tell(lines: StreamReader, said: Callable[[str], None], secrets: tuple[str, ...]) -> None:
    """Pass on the first lines, without the secrets that the command was given."""
    left = COMPLAINTS
    while chunk := await lines.read(LINE):
        for line in chunk.decode(errors="replace").splitlines() if left > 0 else ():
            for secret in secrets:
                line = line.replace(secret, "…")  # noqa: PLW2901  the same line, without it
            said(line[:300])
            left -= 1


async def _drain(lines: StreamReader) -> None:
    while await lines.read(LONGEST):
        pass


async def _read(lines: StreamReader, heard: Any, gone: Event) -> None:
    """Pass on each line that is a message; set `gone` once there is nothing more to come, or nothing but nonsense."""
    try:
        async with heard:
            bad = 0
            while bad < NONSENSE and (line := await lines.readline()):
                try:
                    message = SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
                except ValidationError:  # a server that prints something does no harm
                    bad += 1
                else:
                    bad = 0
                    await heard.send(message)
    except (ValueError, BrokenResourceError, ClosedResourceError):  # a line is too long, or nobody listens any more
        pass
    finally:
        gone.set()


async def _write(spoken: Any, lines: StreamWriter) -> None:
    with suppress(OSError):
        async for each in spoken:
            lines.write(each.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
            await lines.drain()


@asynccontextmanager
async def remote(server: Server, http: httpx2.AsyncClient, gone: Event) -> AsyncGenerator[Streams]:
    """Reach the address of `server` by `http`."""
    async with streamable_http_client(server.url, http_client=http) as streams, _watched(streams, gone) as watched:
        yield watched


def client_for(server: Server, secret: str, auth: httpx2.Auth | None = None) -> httpx2.AsyncClient:
    """Return a pool of connections that shows `secret` to the server, and to nobody else."""
    headers = {"authorization": f"Bearer {secret}"} if secret else {}
    timeout = httpx2.Timeout(server.within, pool=server.within)
    return httpx2.AsyncClient(headers=headers, auth=auth, timeout=timeout, limits=CONNECTIONS, trust_env=False)


@asynccontextmanager
async def _watched(streams: Streams, gone: Event) -> AsyncGenerator[Streams]:
    """Pass on what is read; set `gone` once there is nothing more to come."""
    read, write = streams
    passing, passed = create_memory_object_stream[Any](0)

    async def pump() -> None:
        try:
            async with passing:
                async for message in read:
                    await passing.send(message)
        except (BrokenResourceError, ClosedResourceError):
            pass
        finally:
            gone.set()

    async with create_task_group() as tasks:
        tasks.start_soon(pump)
        yield passed, write
        tasks.cancel_scope.cancel()
