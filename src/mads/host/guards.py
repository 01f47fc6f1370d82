"""The guards of one system: what is off, who may, how much, what is left alone, and what stands in for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from mads.author.declaration import Declaration
from mads.author.signals import BreakerChanged
from mads.bus.memory import MemoryBus
from mads.guard.access import access
from mads.guard.breakers.breaker import Breaker, State
from mads.guard.breakers.layer import Breakers
from mads.guard.canary.layer import Canaries
from mads.guard.fallback import Fallbacks
from mads.guard.flags.layer import flags
from mads.guard.labels import Labels
from mads.guard.limits.book import Book
from mads.guard.limits.layer import limits
from mads.guard.rights.policy import Policy
from mads.guard.switch import Board, switch, told
from mads.host.audit import Trail
from mads.host.breakers import foreign_rules
from mads.host.config import UPSTREAM, Config
from mads.host.events.signals import Signals
from mads.host.flags import FileFlags, Tools
from mads.host.survey import fallbacks_of, foreign_of
from mads.wire import codec
from mads.wire.call import Call, Handle, Reply
from mads.wire.ids import call_ids, span_ids
from mads.wire.served import LayerFor, Served
from mads.wire.status import Shown, Status
from mads.wire.tools import ToolInfo


class Guards:
    """The guards of the system of `config`, whose MADs are `declared`; `begin` before any call is let through."""

    def __init__(
        self, config: Config, declared: Mapping[str, Declaration], policy: Policy, audit: Trail, labels: Labels
    ) -> None:
        foreign = {name: mad.set["server"]["within"] for name, mad in config.mads.items() if mad.use == UPSTREAM}
        rules = [*config.breakers, *foreign_rules(config.breakers, foreign)]
        self._foreign = foreign_of(config)
        self.flags = FileFlags(Path(config.root) / config.flags if config.flags else None, self._offered)
        self.board = Board()
        self.book = Book([limit.rule() for limit in config.limits], policy)
        self.breakers = Breakers([rule.rule() for rule in rules], foreign)
        self.canaries = Canaries(rule.split(declared) for rule in config.canaries)
        admits = access(policy, audit, labels)
        self.fallbacks = Fallbacks(fallbacks_of(config, declared).instead(), admits, self._ask)
        bounded = limits(self.book)
        self.layers: dict[str, LayerFor] = {
            "fallback": self.fallbacks.layer,
            "switch": switch(self.board),
            **({"flags": flags(self.flags)} if config.flags else {}),
            "access": lambda served: admits(self._first(served)),
            "limits": lambda served: _none if served.mad in self.canaries.first else bounded(served),
            "canary": self.canaries.layer,
            "breaker": self.breakers.layer,
        }
        self._new_id, self._new_span = call_ids(), span_ids()

    def begin(self, bus: MemoryBus, signals: Signals, tools: Callable[[], Sequence[ToolInfo]]) -> None:
        """Call what stands in over `bus`, tell `signals` what is left alone, and know a flag of one of the `tools`."""
        self._bus, self._signals, self._tools = bus, signals, tools
        self.breakers.changed = self._changed
        self.canaries.begin(self._again, bus.request)

    async def clear(self) -> None:
        """Have what waits for what is off refused at once, whoever is before it."""
        if self.board:
            self._bus.hasten(self.board.refuses)

    def findings(self, mad: str) -> Iterator[str]:
        """Yield what is off of a MAD, and what is left alone."""
        for stop in self.board.of(mad):
            yield f"{stop.what} is {told(stop)}"
        for breaker in self.breakers.of(mad):
            if breaker.state != "closed":
                yield f"{breaker.what} is left alone ({breaker.state}): {breaker.why}"

    def on(self, seen: Any) -> Any:
        """Return a `Status` or `Shown` of a MAD that says as well what is off of it, and its breakers."""
        told: Status | Shown = seen
        return replace(told, stops=self.board.of(told.mad), breakers=self.breakers.of(told.mad))

    def _offered(self) -> Tools:
        return Tools({tool.name for tool in self._tools()}, self._foreign)

    async def _ask(self, call: Call, name: str) -> Reply:
        """Have another tool answer `call`, in the name of the MAD that cannot."""
        mad = call.subject.split(".")[1]
        identity = replace(call.identity, chain=(*call.identity.chain, mad), scopes=None)
        reply = await self._bus.request(replace(self._again(call, name), identity=identity))
        return reply if reply.failure is not None else replace(reply, body=codec.raw(reply.body), decisions=())

    def _again(self, call: Call, name: str) -> Call:
        """Return `call` once more, of another tool."""
        return replace(
            call,
            subject=name,
            body=codec.raw(call.body),
            id=self._new_id(),
            span=self._new_span(),
            parent=call.span,
            cause=call.id,
            key=None,
            made=time.monotonic(),
        )

    def _first(self, served: Served) -> Served:
        """Return what decides who may call it: a second version is the same tool."""
        first = self.canaries.first.get(served.mad)
        return served if first is None else replace(served, mad=first)

    def _changed(self, breaker: Breaker, was: State) -> None:
        self._signals.tell(BreakerChanged(breaker.what, was, breaker.state, breaker.why))


def _none(handle: Handle) -> Handle:
    return handle
