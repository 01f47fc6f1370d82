"""`mads up`: the system and its gateway, from start to end."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

import click
import msgspec

from mads.cli.ending import Ending
from mads.cli.indexing import told_of_indexing
from mads.cli.outcome import tell
from mads.cli.remote import connected
from mads.cli.stdout import kept_apart
from mads.cli.terminal import json_option, show, table
from mads.gateway import connect
from mads.gateway.server import USUAL, Running, serve
from mads.gateway.signin import SignIn
from mads.host.config import find_root, read_config
from mads.host.door import BusDoor
from mads.host.gateway import GatewayConfig
from mads.host.loop import new_loop
from mads.host.paths import data_folder
from mads.host.running import RunningSystem, running
from mads.observe.logs import configure
from mads.project.check import look_at_folder
from mads.wire import codec
from mads.wire.errors import CallError, ConfigError, Failed, Unreachable
from mads.wire.status import Status
from mads.wire.tools import ToolInfo

OPEN_DOOR = """\
Whoever connects from this machine is the anonymous developer, and may call every tool that is not destructive."""

SHUT_DOOR = """\
Whoever connects has to sign in: there is no anonymous developer."""

KEYS = """\
An API key opens it to whom it was made for: mads key new NAME --scope SCOPE"""

LOCAL = """\
Nothing listens on any other address. Ctrl-C ends it."""

SOME = 5
"""How many tools of one MAD are named at the start; `mads show` names all."""


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="The gateway's port, in place of mads.toml's; 0: any.")
@json_option
def up(port: int | None, *, as_json: bool) -> int:
    """Start the system of the nearest mads.toml and its MCP gateway, and serve until Ctrl-C or SIGTERM.

    With --json one line says when it is ready, and where.
    """
    with kept_apart() as out, suppress(asyncio.CancelledError), asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(_up(port, out, as_json=as_json))
    return 0


async def _up(port: int | None, out: TextIO, *, as_json: bool) -> int:
    ending = Ending()
    try:
        await _serve(port, out, ending, as_json=as_json)
    except Exception as error:
        if ending.starting is not None:
            raise
        return tell(error, as_json=False)  # the one document is out
    finally:
        ending.over()
    return 0


async def _serve(port: int | None, out: TextIO, ending: Ending, *, as_json: bool) -> None:
    config = read_config(find_root())
    configure(data_folder(Path(config.root)), level=config.log.level)
    os.chdir(config.root)  # what a MAD is told of a folder is meant from there
    await _refuse_second()
    look_at_folder(config)
    async with running(config) as system:

        async def tools() -> Sequence[ToolInfo]:
            return system.tools()

        said = config.gateway if port is None else msgspec.structs.replace(config.gateway, port=port)
        signin = SignIn(system.keys.ring, said.oidc, anonymous=said.anonymous, refused=system.audit.refused)
        door, servers = BusDoor(system.bus, tools, system.missing), said.servers
        gateway = await serve(
            door, port=said.port, figures=system.figures, signin=signin, servers=servers, shows=system.policy.shows
        )
        gc.freeze()  # what the start made stays: a full collection that looks at it holds up all for 60 ms
        try:
            async with told_of_indexing(system.bus):
                seen = await system.status()
                with redirect_stdout(out):
                    _welcome(system, seen, gateway, said, as_json=as_json)
                given_up = await _until_over(ending, system)
            click.echo("It waits for the calls that are being answered; a second Ctrl-C ends it at once.", err=True)
            await system.drain()
        finally:
            await gateway.close()
    if given_up:
        raise Failed(f"the system ended: {given_up}")


async def _until_over(ending: Ending, system: RunningSystem) -> str:
    """Wait until somebody asks for the end, or the system gives up; return why it does."""
    asked = asyncio.create_task(ending.asked())
    given_up = system.supervisor.given_up
    await asyncio.wait((asked, given_up), return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    return given_up.result() if given_up.done() else ""


async def _refuse_second() -> None:
    """Raise `ConfigError` where the system of this project runs already."""
    with suppress(Unreachable, CallError):
        async with connected() as remote:
            core = next(status for status in await remote.steward("ps", list[Status]) if status.mad == "steward")
            raise ConfigError(f"this system runs already, as process {core.pid}; end that first: kill {core.pid}")


def _welcome(
    system: RunningSystem, seen: Sequence[Status], running: Running, said: GatewayConfig, *, as_json: bool
) -> None:
    address = running.address
    clients = connect.lines(address)
    if said.port is None and urlsplit(address).port != USUAL:
        click.echo(f"Port {USUAL} is taken, so the gateway has another; to choose one, write: up --port PORT", err=True)
    if as_json:
        ready = {"root": system.config.root, "pid": os.getpid(), "address": address, "connect": clients}
        ready |= {
            "servers": running.others,
            "anonymous": said.anonymous,
            "issuer": said.oidc and said.oidc.issuer,
        }
        show({**ready, "mads": codec.plain(seen)}, as_json=True)
        return
    click.echo(f"{system.config.root} runs as process {os.getpid()}\n")
    offered = {mad: [tool.tool for tool in system.tools() if tool.mad == mad] for mad in system.config.mads}
    table(
        ("MAD", "RUN", "PID", "STATE", "TOOLS"),
        [(status.mad, status.run, status.pid, status.state, some(offered[status.mad])) for status in seen],
    )
    click.echo("\n".join(["", f"The gateway is at {address}", *(f"and at {other}" for other in running.others), ""]))
    for client, line in clients.items():
        click.echo(f"{client}:\n  {line}")
    click.echo(f"\n{_ways_in(said)}\n{LOCAL}")


def some(tools: Sequence[str]) -> str:
    """Return the names of a MAD's tools in one short line; of many of them the first."""
    if len(tools) <= SOME:
        return ", ".join(tools)
    return f"{', '.join(tools[:SOME])} and {len(tools) - SOME} more"


def _ways_in(gateway: GatewayConfig) -> str:
    """Return in words which ways into the gateway are open."""
    ways = [OPEN_DOOR if gateway.anonymous else SHUT_DOOR, KEYS]
    if gateway.oidc is not None:
        ways.append(f"A token of {gateway.oidc.issuer} opens it, too.")
    return "\n".join(ways)
