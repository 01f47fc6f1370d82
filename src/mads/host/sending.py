"""The need `Send`, and the way of a child's commands to the core, which takes them in the name that it knows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
from msgspec import Raw, Struct

from mads.author.needs import Receipt
from mads.bus.port import Bus, Subscription
from mads.host.caller import Caller
from mads.host.commands import Sends
from mads.host.envelope import Terms, check
from mads.host.proxy import RemoteTool, outcome
from mads.wire import codec
from mads.wire.call import Call, Reply
from mads.wire.errors import Denied, InvalidMessage

SUBJECT = "host.commands.send"

AT_ONCE = 64
"""How many are taken at a time: what is sent together is committed together."""


class HostSend:
    """Commands of one MAD."""

    def __init__(self, sends: Sends, caller: Caller) -> None:
        self._sends, self._caller = sends, caller

    async def __call__(
        self,
        tool: Callable[..., Any],
        /,
        *args: Any,
        key: str | None = None,
        once: str | None = None,
        after: timedelta | None = None,
        within: timedelta | None = None,
    ) -> Receipt:
        """Return the receipt of a command once it is on disk; raise `InvalidMessage` where it can be none."""
        if not isinstance(tool, RemoteTool):
            raise InvalidMessage(f"{tool!r:.100} is no tool of another MAD; write `send(self.scribe.write, note)`")
        if tool.streams:
            raise InvalidMessage(f"{tool.subject} streams, and nobody would read it; send to a tool that returns")
        call = self._caller.call(tool.subject, codec.raw(tool.body(args, {})), key=key)
        terms = Terms(once, after.total_seconds() if after else 0.0, within.total_seconds() if within else None)
        check(call, terms)  # here too, so that the mistake is the sender's own
        return Receipt(await self._sends.send(call, terms))


class Sent(Struct, frozen=True, forbid_unknown_fields=True):
    """A command on its way to the core; the reply is its number. Who sends it is for the core to say."""

    subject: str
    body: Raw
    key: str | None
    terms: Terms


async def serve_commands(bus: Bus, sends: Sends) -> Subscription:
    """Take commands on `bus`, from each MAD in its own name and for the tenant for whom it is at work."""

    async def serve(call: Call) -> Reply:
        if not call.identity.chain:
            raise Denied(f"{call.identity.principal!r} is no MAD, and only a MAD sends commands; call a tool that does")
        sent: Sent = codec.decode(codec.raw(call.body), Sent)
        kept = msgspec.structs.replace(call, subject=sent.subject, body=Raw(bytes(sent.body)), key=sent.key)
        return Reply(codec.raw(await sends.send(kept, sent.terms)))

    return await bus.subscribe((SUBJECT,), serve, group="host.commands", at_once=AT_ONCE, capacity=1024)


class RemoteSends:
    """The core behind `bus`, as a child sees it."""

    def __init__(self, bus: Bus, caller: Caller) -> None:
        self._bus, self._caller = bus, caller

    async def send(self, call: Call, terms: Terms) -> int:
        """Take `call`; return its number once it is on disk."""
        body = codec.raw(Sent(call.subject, codec.raw(call.body), call.key, terms))
        reply = await self._bus.request(self._caller.call(SUBJECT, body, band=call.band))
        seq: int = outcome(reply, int, SUBJECT)
        return seq
