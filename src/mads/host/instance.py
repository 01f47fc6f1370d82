"""One MAD, running in this process: its needs filled, subscribed to the bus, its timers ticking."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from typing import Any

import structlog

from mads.author.archive import Capture, Conversations
from mads.author.declaration import Declaration, Timer, Tool, declaration
from mads.author.foreign import Credentials, Offers
from mads.author.ledger import Ledger
from mads.author.message import wire_name
from mads.author.needs import Clock, Emit, Flags, Log, Random, Send, Step, Talk, Think, Turn, Workers
from mads.author.outside import Egress, Secrets
from mads.author.secrets import SecretsKeeping, SecretsOffice
from mads.author.system import System
from mads.bus.port import Bus, Subscription
from mads.guard.flags.layer import Source
from mads.guard.labels import Labels
from mads.host.caller import Caller
from mads.host.commands.dispatcher import Sends
from mads.host.commands.sending import HostSend
from mads.host.commands.steps import HostStep, Journal
from mads.host.config import MadConfig
from mads.host.egress import HostEgress
from mads.host.flags import HostFlags
from mads.host.inject import Filling, KeptOf, Mad, Need, build
from mads.host.kept import KeptField
from mads.host.ledger import HostLedger
from mads.host.needs import HostClock, HostEmit, HostLog, HostRandom, HostTurn
from mads.host.offering import Foreign, HostOffers
from mads.host.proxy import Proxy, RemoteTool, ServerTool
from mads.host.secrets.need import HostSecrets
from mads.host.serve import patterns, serve, timer_subject
from mads.host.supervise.blocking import BlockingWatch
from mads.host.supervise.census import Census
from mads.host.supervise.life import GOING, End
from mads.host.talk.need import HostTalk
from mads.host.think.need import HostThink, Mind, Talker
from mads.host.think.thinker import thinker_of
from mads.host.workers import ProcessWorkers
from mads.observe.redact import redactor
from mads.observe.trace import Bills, discreet
from mads.store.port import KeptRows, Scope
from mads.wire import codec
from mads.wire.call import Identity, current
from mads.wire.errors import ConfigError
from mads.wire.served import LayerFor

TIMER_PATIENCE = 3600.0
"""Seconds that one run of a timer may take."""


AWAY = ("no_responder", "lost", "stopped", "broken")
"""How a timer fails whose own MAD is off, or going: that is no news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What one process gives to the MADs in it; `system` is there in the core process only.

    So are the `labels` of what those that are here are told: for a child, the core knows them. `firsts` names the first
    version of each MAD that is a second one.
    """

    bus: Bus
    rows: KeptRows
    sends: Sends
    journal: Journal
    layers: Sequence[LayerFor]
    bills: Bills
    workers: ProcessWorkers
    watch: BlockingWatch
    census: Census
    labels: Labels
    flags: Source
    declared: Mapping[str, Declaration]
    strict: bool
    firsts: Mapping[str, str]
    system: System | None = None
    conversations: Conversations | None = None
    capture: Capture | None = None
    foreign: Foreign | None = None
    secrets: SecretsOffice | None = None
    keeping: SecretsKeeping | None = None


class Instance:
    """A running MAD; `start` it, then `stop` it."""

    def __init__(self, mad: str, config: MadConfig, fillings: list[Filling], around: Surroundings) -> None:
        self._mad, self._config, self._fillings, self._around = mad, config, fillings, around
        self.declared = around.declared[mad]
        self._caller = Caller(Identity(f"mad:{mad}", chain=(mad,)), around.labels, band=config.lowest)
        self._stack = AsyncExitStack()
        self._timers: list[asyncio.Task[None]] = []
        self._retired = asyncio.Event()
        self._log = structlog.get_logger(mad=mad)
        self.subscription: Subscription | None = None
        self._is_told = False

    async def start(self) -> None:
        """Build the MAD and serve it; whatever a factory raises is raised, and nothing is left behind."""
        around = self._around
        try:
            instance = await build(self.declared, self._fillings, self._stack, self._fill)
            around.watch.know(self._mad, instance)
            around.census.know(self._mad, instance)
            self._stack.callback(around.watch.forget, instance)
            self._built = instance
            await self._serve()
        except BaseException:
            await self._stack.aclose()
            raise
        self._timers = [
            asyncio.create_task(self._tick(timer), name=f"{self._mad}.{timer.method}") for timer in self.declared.timers
        ]

    async def _serve(self) -> None:
        around, talks = self._around, Talker(self._mind()).answer
        handle = serve(self._mad, self.declared, self._built, around.layers, talks=talks, strict=around.strict)
        self.subscription = await around.bus.subscribe(
            patterns(self._mad, self.declared),
            discreet(handle) if self._is_told else handle,
            group=self._mad,
            owner=self._mad,
            at_once=self._config.places,
            capacity=self._config.inbox,
        )

    async def offer(self, tools: Mapping[str, Tool]) -> Declaration | None:
        """Offer `tools` in the place of what was offered; return what is declared now, None where this has ended."""
        if self._retired.is_set():
            return None
        self.declared = replace(self.declared, tools=dict(tools))
        await self._serve()
        return self.declared

    @property
    def pid(self) -> int:
        """This process."""
        return os.getpid()

    async def ended(self) -> End:
        """Wait for ever: what runs in a process that goes on does not end by itself."""
        never: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        return await never

    def retire(self) -> None:
        """Begin nothing more by the clock."""
        self._retired.set()

    async def stop(self, going: float = GOING) -> None:
        """Stop the timers, take no more calls, and let the factories clean up, which takes what it takes."""
        del going
        self._retired.set()
        for task in self._timers:
            task.cancel()
        await asyncio.gather(*self._timers, return_exceptions=True)
        if self.subscription is not None:
            await self.subscription.close()
        await self._stack.aclose()

    async def _tick(self, timer: Timer) -> None:
        body, why = codec.raw(None), ""
        while not self._retired.is_set():
            subject = timer_subject(self._mad, timer)  # the key: never twice at once, by whomever it was handled before
            call = self._caller.call(subject, body, timeout=TIMER_PATIENCE, key=timer.method)
            reply = await self._around.bus.request(call)
            before, why = why, reply.failure.message if reply.failure else ""
            if reply.failure is not None and why != before and reply.failure.code not in AWAY:
                self._log.warning("timer failed", name=timer.method, why=why)
            with suppress(TimeoutError):
                async with asyncio.timeout(timer.seconds):
                    await self._retired.wait()

    def _fill(self, filling: Filling) -> Any:
        around, source = self._around, filling.source
        if isinstance(source, Mad):
            return self._proxy(source)
        if isinstance(source, KeptOf):
            return KeptField(around.rows, self._scope(filling.field, source.type), source.type, around.labels)
        assert isinstance(source, Need)
        need = self._needs()[source.type]()
        if need is None:
            asks = f"{self.declared.cls.__name__}.{filling.field}: {source.type.__name__}"
            raise ConfigError(f'{asks} is there in the core only; write run = "here" at {self._mad} in mads.toml')
        return need

    def _mind(self) -> Mind:
        around, declared = self._around, self.declared
        return Mind(
            mad=self._mad,
            declared=declared,
            thinker=thinker_of(around.declared),
            bus=around.bus,
            caller=self._caller,
            own=lambda: self._proxy(Mad(self._mad, declared.cls)),
        )

    def _proxy(self, to: Mad) -> Proxy:
        around, known = self._around, self._around.declared[to.name]
        callee = known if known.cls is to.cls else declaration(to.cls)
        self._is_told |= any(redactor(tool.result) for tool in callee.tools.values())
        made = ServerTool if to.is_foreign else RemoteTool
        return Proxy(to.name, callee, around.bus, self._caller, strict=around.strict, made=made)

    def _scope(self, field: str, type_: type[Any]) -> Callable[[], Scope]:
        name, mad = wire_name(type_), self._around.firsts.get(self._mad, self._mad)

        def scope() -> Scope:
            call = current.get()
            return Scope(tenant=call.identity.tenant if call else "default", mad=mad, field=field, type=name)

        return scope

    def _needs(self) -> dict[type[Any], Callable[[], Any]]:
        around, cls = self._around, self.declared.cls
        return {
            Think: lambda: HostThink(self._mind()),
            Emit: lambda: HostEmit(around.bus, self._caller, strict=around.strict),
            Send: lambda: HostSend(
                around.sends, self._caller, self.declared.cls, self._proxy(Mad(self._mad, self.declared.cls))
            ),
            Step: lambda: HostStep(around.journal, cls, gives_way=self._config.band == "bulk"),
            Turn: lambda: HostTurn(around.bills),
            Clock: HostClock,
            Random: HostRandom,
            Flags: lambda: HostFlags(around.flags, self._mad),
            Secrets: lambda: HostSecrets(around.bus, self._caller),
            Workers: lambda: around.workers,
            Log: lambda: HostLog(self._mad),
            Talk: lambda: HostTalk(around.bus, self._caller),
            Egress: lambda: HostEgress(around.bus, self._caller),
            Ledger: lambda: HostLedger(around.bus, self._caller),
            System: lambda: around.system,
            Conversations: lambda: around.conversations,
            Capture: lambda: around.capture,
            SecretsOffice: lambda: around.secrets,
            SecretsKeeping: lambda: around.keeping,
            Offers: lambda: HostOffers(self._mad, self.offer, around.foreign),
            Credentials: lambda: around.foreign and around.foreign.credentials(self._mad),
        }
