"""What would keep a system from starting: found without starting it, and without leaving a trace."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mads.author.schema import tool_infos
from mads.bus.unix import connect
from mads.gateway import names
from mads.gateway.view import views
from mads.host.attest import STORE, store_in
from mads.host.config import Config, readable
from mads.host.history.exporting import look_at_traces
from mads.host.paths import data_folder, socket_path
from mads.host.survey import survey
from mads.project import contract
from mads.project.reach import sockets
from mads.store.migrations import plan, shipped
from mads.store.sqlite import explained, peek
from mads.wire.errors import ConfigError, StoreError, Unreachable


class Checked(NamedTuple):
    """The names of the MADs of a system that can start, and what is worth a look all the same."""

    mads: Sequence[str]
    warnings: Sequence[str]


async def check(root: Path, *, today: date | None = None) -> Checked:
    """Return the MADs of the system in `root`.

    Raises one `ConfigError` with everything that would keep it from starting, that breaks its contract, or that should
    be gone by `today`, a line each. What a running system holds is as it should be: neither its port nor its store is
    looked at.
    """
    warnings: list[str] = []
    day = today or date.today()  # noqa: DTZ011  a deprecation's date is one of the author's own calendar
    with _no_bytecode():
        config, mistakes = readable(root)
        mads = partial(_look_at_mads, is_whole=not mistakes, today=day)
        looks: list[Callable[[Config], None]] = [mads, look_at_traces]
        if not await runs(root):
            looks += [look_at_folder, _look_at_store, _look_at_port]
        for look in looks:
            try:
                look(config)
            except (ConfigError, StoreError) as error:
                mistakes.append(str(error))
    if config.egress.sockets != "allow":
        (mistakes if config.egress.sockets == "refuse" else warnings).extend(sockets(config))
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return Checked(list(config.mads), warnings)


def _look_at_mads(config: Config, *, is_whole: bool, today: date) -> None:
    read = survey(config, is_whole=is_whole)
    tools = [tool for mad, declared in read.declared.items() for tool in tool_infos(mad, declared)]
    for view in views(config.gateway.servers if is_whole else {}):
        names.check(tools, view)
    broken = contract.mistakes(Path(config.root), read, today=today)
    if broken:
        raise ConfigError("\n".join(broken))


def look_at_folder(config: Config) -> None:
    """Raise `ConfigError` where the system could not keep anything."""
    path = data_folder(Path(config.root))
    nearest = path if path.exists() else path.parent
    if not nearest.is_dir():
        raise ConfigError(f"{nearest} is no folder; move it away")
    for place in (nearest, path / STORE):
        if place.exists() and not os.access(place, os.W_OK):
            raise ConfigError(f"{place} may not be written; see to its permissions, or move the project")


def _look_at_store(config: Config) -> None:
    path = store_in(data_folder(Path(config.root)))
    if path.is_file() and os.access(path, os.R_OK):
        with explained(path), closing(peek(path)) as connection:
            plan(connection, shipped())


def _look_at_port(config: Config) -> None:
    port = config.gateway.port
    if port is None:
        return
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise ConfigError(
            f"port {port} is taken ({error.strerror}); write another one into mads.toml: [gateway] port = …"
        ) from error


async def runs(root: Path) -> bool:
    """Return whether the system of the project in `root` runs."""
    with suppress(Unreachable):
        bus = await connect(socket_path(root))
        await bus.link.close()
        return True
    return False


@contextmanager
def _no_bytecode() -> Generator[None]:
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before
