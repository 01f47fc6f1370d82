"""From which level on the processes of a system log: told by the core, over the bus."""

from __future__ import annotations

from msgspec.structs import replace

from mads.bus.port import Bus
from mads.guard.principals import HOST
from mads.host.caller import Caller
from mads.observe.logs import Level, tell_from
from mads.wire import codec
from mads.wire.call import Call, Identity, Reply

LEVEL = "host.log.level"
"""The subject on which the processes of MADs are told."""


async def log_from(level: Level, bus: Bus, caller: Caller) -> None:
    """Log from `level` on, here and in every process that follows: whoever asked for it, the host says so."""
    tell_from(level)
    await bus.publish(replace(caller.call(LEVEL, codec.raw(level)), identity=Identity(HOST)))


async def follow_level(bus: Bus) -> None:
    """Log in this process, which is a MAD's, from the level on that the core says."""

    async def told(call: Call) -> Reply:
        if call.identity == Identity(HOST):
            tell_from(codec.decode(codec.raw(call.body), Level))
        return Reply()

    await bus.subscribe((LEVEL,), told)
