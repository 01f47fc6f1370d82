"""The need `Send`, and the way of a child's commands to the core, which takes them in the name that it knows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec import Raw, Struct

from mads.author.needs import Receipt
from mads.bus.port import Bus, Subscription
from mads.host.caller import Caller
from mads.host.commands.dispatcher import Sends
from mads.host.commands.envelope import Envelope, Terms, check, packed
from mads.host.proxy import Proxy, RemoteTool, outcome
from mads.wire import codec
from mads.wire.call import Call, Reply
from mads.wire.errors import Denied, InvalidMessage

SUBJECT = "host.commands.send"

AT_ONCE = 64
"""How many are taken at a time: what is sent together is committed together."""


class HostSend:
    """Commands of one MAD."""

    def __init__(self, sends: Sends, caller: Caller, cls: type[Any], own: Proxy) -> None:
        self._sends, self._caller, self._cls, self._own = sends, caller, cls, own

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
            tool = self._own_tool(tool)
        if tool.streams:
            raise InvalidMessage(f"{tool.subject} streams, and nobody would read it; send to a tool that returns")
        body = tool.fitted(args, {})
        identity, trace, conversation, band, parent = self._caller.origin()
        envelope = Envelope(tool.subject, body, identity, trace, conversation, key, band, parent)
        terms = Terms(once, after.total_seconds() if after else 0.0, None if within is None else within.total_seconds())
        try:
            return Receipt(await self._sends.send(envelope, terms))
        except InvalidMessage as error:
            raise tool.refusal(error) from error

    def _own_tool(self, method: Callable[..., Any]) -> RemoteTool:
        """Return a tool of the MAD's own, as others see it."""
        if isinstance(getattr(method, "__self__", None), self._cls):
            found = vars(self._own).get(method.__name__)
            if isinstance(found, RemoteTool):
                return found
            raise InvalidMessage(f"{method.__qualname__} is no tool; write @tool above it")
        raise InvalidMessage(f"{method!r:.100} is no tool of a MAD; write `send(self.scribe.write, note)`")


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
        body = Raw(bytes(sent.body))
        envelope = Envelope(
            *(sent.subject, body, call.identity, call.trace, call.conversation, sent.key, call.band, call.parent)
        )
        return Reply(codec.raw(await sends.send(envelope, sent.terms)))

    return await bus.subscribe((SUBJECT,), serve, group="host.commands", at_once=AT_ONCE, capacity=1024)


class RemoteSends:
    """The core behind `bus`, as a child sees it."""

    def __init__(self, bus: Bus, caller: Caller) -> None:
        self._bus, self._caller = bus, caller

    async def send(self, envelope: Envelope[Any], terms: Terms) -> int:
        """Take a command; return its number once it is on disk."""
        check(envelope, terms)  # here too, so that the mistake is the sender's own
        body = codec.raw(Sent(envelope.subject, packed(envelope.body), envelope.key, terms))
        reply = await self._bus.request(self._caller.call(SUBJECT, body, band=envelope.band))
        seq: int = outcome(reply, int, SUBJECT)
        return seq
