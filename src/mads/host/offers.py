"""What MCP servers offer, looked at before anybody sees it: pinned at first sight, withheld when it has changed.

A description is an instruction to a model, and its server may change it at any time. So each definition counts as it
was when it was first seen, or when the operator approved it; what differs from that, or was suspicious at once, is
withheld until the operator has looked at it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog
from msgspec import Struct

from mads.author.declaration import Tool
from mads.guard.principals import OPERATOR
from mads.host.foreign import tools_of
from mads.store.port import KeptRows, Scope
from mads.upstream.definition import canonical, differing, digest
from mads.upstream.scan import findings
from mads.wire import codec
from mads.wire.call import current
from mads.wire.errors import Denied, InvalidMessage
from mads.wire.tools import Definition, Withheld

Tell = Callable[[Mapping[str, Tool]], Awaitable[None]]
"""Offers these tools of a MAD from now on."""

MOST = 5000
"""How many things one server may offer; of more the rest is left out, and said to be."""


class Pin(Struct, frozen=True):
    """A definition as it was approved, by whom ("": at first sight)."""

    definition: Definition
    by: str


class Known:
    """What is known of one server: the pins, each with its row, and what it offers now; `tell` offers what is good."""

    def __init__(self, pins: dict[str, tuple[int, Pin]]) -> None:
        self.pins = pins
        self.now: dict[str, Definition] = {}
        self.tell: Tell | None = None
        self.turn = asyncio.Lock()

    def why(self, definition: Definition) -> tuple[str, ...]:
        """Return why a definition is withheld; nothing where it is what was approved."""
        _, pin = self.pins.get(definition.id, (0, None))
        if pin is None:
            return findings(definition)
        if digest(pin.definition) == digest(definition):
            return ()
        return ("it is not what was approved", *findings(definition))


class Approvals:
    """The pins of all servers, in `rows`."""

    def __init__(self, rows: KeptRows) -> None:
        self._rows = rows
        self._known: dict[str, Known] = {}
        self._log = structlog.get_logger()

    async def found(self, mad: str, definitions: Sequence[Definition], tell: Tell) -> str:
        """Have `tell` offer what a server offers now, as far as it is good; return what is left out, and why."""
        known = await self._server(mad)
        async with known.turn:
            known.tell = tell
            known.now = {each.id: each for each in definitions[:MOST]}
            for each in known.now.values():
                if each.id not in known.pins and not known.why(each):
                    await self._pin(mad, known, each, by="")
                    self._log.info("pinned at first sight", mad=mad, what=each.id, digest=digest(each)[:12])
            await self._offer(mad, known)
        left = len(definitions) - MOST
        return f"it offers {len(definitions)} things, of which {left} are left out" if left > 0 else ""

    def withheld(self) -> list[Withheld]:
        """Return what is withheld, of every server."""
        return [
            _told(mad, known, name, tool.foreign, known.why(tool.foreign))
            for mad, known in self._known.items()
            for name, tool in tools_of(known.now.values(), known.why).items()
            if tool.foreign is not None and tool.withheld
        ]

    async def approve(self, name: str, seen: str = "") -> list[Withheld]:
        """Offer what is withheld under `name`, of a MAD or of one thing of it; return it, with what has changed.

        With `seen` that has to be the digest, or its beginning, of what is approved. Raises `InvalidMessage` where
        nothing of that name is withheld, or it has changed since it was seen.
        """
        call = current.get()
        if call is None or call.identity.principal != OPERATOR or call.identity.chain:
            raise Denied("only the operator may approve; on the machine of the system: mads approve --help")
        asked = name.removeprefix("mads.")
        chosen = [each for each in self.withheld() if asked in (each.mad, each.name.removeprefix("mads."))]
        if not chosen:
            raise InvalidMessage(f"nothing is withheld under {name!r}; mads approve lists what is")
        if seen and [each for each in chosen if not each.digest.startswith(seen)]:
            raise InvalidMessage(f"{name} is not {seen} any more; look at it again: mads approve")
        for mad in {each.mad for each in chosen}:
            known = self._known[mad]
            approved = {each.digest for each in chosen if each.mad == mad}
            async with known.turn:
                for definition in known.now.values():
                    if known.why(definition) and digest(definition) in approved:
                        await self._pin(mad, known, definition, by=call.identity.principal)
                        self._log.info("approved", mad=mad, what=definition.id, digest=digest(definition)[:12])
                await self._offer(mad, known)
        return chosen

    async def _server(self, mad: str) -> Known:
        if mad not in self._known:
            rows = [(row, codec.decode(body, Pin)) for row, body in await self._rows.rows(_scope(mad))]
            self._known[mad] = Known({pin.definition.id: (row, pin) for row, pin in rows})
        return self._known[mad]

    async def _pin(self, mad: str, known: Known, definition: Definition, by: str) -> None:
        """Take a definition as what is approved from now on; what was before goes, once that is on disk."""
        before = known.pins.get(definition.id)
        pin = Pin(definition, by)
        known.pins[definition.id] = (await self._rows.add(_scope(mad), codec.encode(pin)), pin)
        if before is not None:
            await self._rows.remove(_scope(mad), [before[0]])

    async def _offer(self, mad: str, known: Known) -> None:
        tools = tools_of(known.now.values(), known.why)
        if known.tell is not None:
            await known.tell(tools)
        for name, tool in tools.items():
            if tool.withheld:
                self._log.warning("withheld", mad=mad, what=name, why=tool.withheld)


def _scope(mad: str) -> Scope:
    return Scope(tenant="default", mad=mad, field="pins", type="mads.Pin.v1")


def _told(mad: str, known: Known, name: str, definition: Definition, why: tuple[str, ...]) -> Withheld:
    _, pin = known.pins.get(definition.id, (0, None))
    return Withheld(
        name=f"mads.{mad}.{name}",
        mad=mad,
        kind=definition.kind,
        why=why,
        diff=canonical(definition) if pin is None else differing(pin.definition, definition),
        digest=digest(definition),
    )
