"""A running system: the bus, the store, every MAD in its place; started left to right, stopped right to left."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import structlog

from mads.author.declaration import Declaration
from mads.author.schema import tool_infos
from mads.author.signals import OffersChanged
from mads.bus.memory import MemoryBus
from mads.bus.unix import Hub
from mads.guard.flags.layer import facts
from mads.guard.flags.layer import marked as flagged
from mads.guard.limits.shown import shown
from mads.guard.principals import HOST, vouched
from mads.guard.rights.policy import Policy
from mads.host.audit import Trail
from mads.host.caller import Caller
from mads.host.catalogue import Catalogue
from mads.host.commands.dead import Dead
from mads.host.commands.dispatcher import Dispatcher
from mads.host.commands.journal import StoredJournal, serve_journal
from mads.host.commands.sending import serve_commands
from mads.host.config import STEWARD, Config
from mads.host.contracts import CheckedSends, Contracts
from mads.host.desks import Desks
from mads.host.door import CHANGES
from mads.host.egress import broker_of, serve_egress
from mads.host.events.critical import Gate
from mads.host.events.heard import Events, reshaped
from mads.host.events.refused import Refused
from mads.host.events.signals import Signals
from mads.host.figures import PAUSE as GLANCE
from mads.host.figures import FiguresFile
from mads.host.flags import PAUSE, FlagDesk, serve_flags
from mads.host.guards import Guards
from mads.host.history.archive import Archive
from mads.host.history.exporting import beyond, export_of
from mads.host.history.traces import Traces
from mads.host.instance import Surroundings
from mads.host.kept_rows import serve_rows
from mads.host.layers import LAYERS, Outer, inner, labels_of
from mads.host.ledger import serve_ledger
from mads.host.offering import Foreign
from mads.host.paths import data_folder, socket_path
from mads.host.quantity import seconds
from mads.host.regularly import regularly
from mads.host.secrets.need import serve_secrets
from mads.host.serve import patterns
from mads.host.settings import Holding, Settings
from mads.host.sources import Sources
from mads.host.supervise.births import Births
from mads.host.supervise.blocking import BlockingWatch
from mads.host.supervise.census import Census
from mads.host.supervise.health import Health
from mads.host.supervise.place import Place
from mads.host.supervise.seat import Seat
from mads.host.supervise.supervisor import Supervisor
from mads.host.supervise.upkeep import BEAT, Upkeep
from mads.host.survey import Survey, survey
from mads.host.talk.need import serve_history
from mads.host.trials import PAUSE as LOOK
from mads.host.workers import ProcessWorkers
from mads.observe.record import Observer
from mads.observe.redact import Redactor
from mads.observe.span import Span
from mads.observe.trace import Trace
from mads.store.commands.sqlite import SqliteCommands
from mads.store.database import Database
from mads.store.quotas.sqlite import SqliteQuotas
from mads.wire.call import Identity, current
from mads.wire.record import Entry
from mads.wire.status import AuditQuery, AuditRow, EventInfo, LimitInfo, Reloaded, Shown, Status, Verified
from mads.wire.tools import ToolInfo

GRACE = 0.6
"""Seconds that handlers have to finish once the system is told to stop."""


class RunningSystem:
    """The system of one `mads.toml`, while it runs; make one with `running`."""

    def __init__(self, config: Config, read: Survey, layers: Sequence[str], *, strict: bool) -> None:
        self.observer, self.audit = Observer(), Trail()
        self._hides, self._labels = {f"mads.{STEWARD}.emit": Redactor(self._hide)}, labels_of(config, read.declared)
        self.policy = Policy(self._labels)
        self._guards = Guards(config, read.declared, self.policy, self.audit, self._labels)
        self._outer = Outer(layers, self.observer, self._hides, self._guards.layers)
        self.config, self.bus = config, MemoryBus(self._outer.refused)
        self.catalogue = Catalogue(config, read)
        self.policy.declare(self.catalogue.calls())
        self._sources, self._reloading = Sources(config), asyncio.Lock()
        self._order, self._layers, self._strict = read.order(), tuple(layers), strict
        self._watch, self._workers = BlockingWatch(), ProcessWorkers()
        self._census = Census(seconds(config.supervision.census))
        self._caller, self.signals = Caller(Identity(HOST)), Signals(self.bus)
        self._guards.begin(self.bus, self.signals, self.catalogue.tools)
        self.observer.judged = self.signals.denied
        self._gate = Gate(self.signals)
        self.bus.gate = self._gate.admit
        self._know_events()
        self.supervisor = Supervisor(config, self._order, self.catalogue.callees(), STEWARD, self.signals)
        self._contracts, self._reloaded = Contracts(self._read), dict[str, float]()
        seen = (config, self.supervisor, self.observer, self._watch, self._census)
        self._health = Health(*seen, guards=self._guards, trouble=lambda mad: self._foreign.troubles.get(mad, ""))
        self._upkeep = Upkeep(config, self.supervisor, self._health)

    async def start(self, stack: contextlib.AsyncExitStack) -> None:
        """Start everything; what is started is stopped by `stack`, last first."""
        hub = await self._listen(stack)
        around = await self._serve_needs(stack, await self._open_desks(stack))
        self._births = Births(self.config, hub, around, self._outer, contracts=self._contracts, signals=self.signals)
        self._upkeep.start()
        stack.push_async_callback(self._upkeep.stop)
        write = FiguresFile(data_folder(Path(self.config.root)), self.figures).write
        guards = ((BEAT, self._guards.clear), (PAUSE, self._guards.flags.look), (LOOK, self.canaries.look))
        for pause, look in (*guards, (GLANCE, write)):
            stack.callback(asyncio.create_task(regularly(pause, look), name=look.__qualname__).cancel)
        broker = broker_of(self.config, self.secrets.vault, self.observer)
        stack.push_async_callback(broker.close)
        await serve_egress(self.bus, broker, self.observer, self._labels)
        for mad in self._order:
            await self._place(mad, stack)
        self._dispatcher.start()

    async def _listen(self, stack: contextlib.AsyncExitStack) -> Hub:
        self._watch.start()
        stack.callback(self._watch.stop)
        self._census.start()
        stack.callback(self._census.stop)
        stack.callback(self._workers.close)
        stack.push_async_callback(self.signals.close)
        hub = Hub(self.bus)
        stack.push_async_callback(hub.close)
        await hub.listen(socket_path(Path(self.config.root)), vouch=vouched, may_serve=CHANGES.__contains__)
        return hub

    async def _open_desks(self, stack: contextlib.AsyncExitStack) -> Desks:
        """Open what is kept, and start to keep the record in it."""
        known = (self.config, self.catalogue, self.policy)
        tell = partial(self.signals.tell, OffersChanged(""))
        desks = await Desks.open(
            *known,
            audit=self.audit,
            board=self._guards.board,
            canaries=self._guards.canaries,
            changed=tell,
            stack=stack,
        )
        desks.switches.changed = tell
        self.canaries = desks.trials
        self.canaries.tell = self.signals.tell
        self._guards.flags.open()
        self.flags = FlagDesk(self._guards.flags, self.audit)
        self.record, self.book = desks.record, desks.bookings
        self.keys, self.rights, self.secrets = desks.keys, desks.rights, desks.secrets
        self.spending, self.switches = desks.spending, desks.switches
        self.supervisor.crashed = desks.accounts.left
        hold = Holding(desks.accounts, self._guards.book, self.supervisor.places)
        self.settings = Settings(self.config, hold, self.audit, self.bus, self._caller)
        self.approvals, self.sign_ins = desks.approvals, desks.sign_ins
        self._foreign = Foreign(
            *(self.config.mads, self.approvals, self.sign_ins, self._publish), vault=self.secrets.vault
        )
        self._guards.book.store = SqliteQuotas(desks.database)
        stack.push_async_callback(self._guards.book.close)
        self._export = export_of(self.config)
        if self._export is not None:
            stack.push_async_callback(self._export.close)
        self.traces = Traces(desks.record, self.observer.recorder)
        self.observer.recorder.start(desks.record, self._written, after_us=await self.traces.newest_us())
        stack.push_async_callback(self.observer.recorder.close)
        return desks

    async def _serve_needs(self, stack: contextlib.AsyncExitStack, desks: Desks) -> Surroundings:
        """Serve what MADs need to those in processes of their own; return the same for those that are here."""
        commands, trace = SqliteCommands(desks.database), Trace(self._hides)
        archive = await self._take_commands(stack, desks.database, commands)
        sends = CheckedSends(self._dispatcher, self._contracts)
        journal = StoredJournal(commands, self._labels, self._dispatcher.may_go_on)
        await serve_rows(self.bus, desks.rows, self._labels, self._guards.canaries.first)
        await serve_commands(self.bus, sends)
        await serve_journal(self.bus, journal, self._dispatcher)
        await serve_history(self.bus, archive.conversations, self._labels)
        await serve_ledger(self.bus, desks.accounts, desks.bookings, self._guards.canaries.first)
        await serve_secrets(self.bus, self.secrets.vault)
        await serve_flags(self.bus, self._guards.flags)
        return Surroundings(
            bus=self.bus,
            rows=desks.rows,
            sends=sends,
            journal=journal,
            layers=inner(self._layers, trace),
            bills=trace.bills,
            workers=self._workers,
            watch=self._watch,
            census=self._census,
            labels=self._labels,
            flags=self._guards.flags,
            declared=self.catalogue.declared,
            strict=self._strict,
            firsts=self._guards.canaries.first,
            system=self,
            conversations=archive.conversations,
            capture=archive.capture,
            foreign=self._foreign,
            secrets=self.secrets.desk,
            keeping=self.secrets.keeping,
        )

    async def _take_commands(
        self, stack: contextlib.AsyncExitStack, database: Database, commands: SqliteCommands
    ) -> Archive:
        """Take commands, and tend to what became of them: the dead letters and the archive, which is returned."""
        self._dispatcher = await Dispatcher.open(self.bus, commands, self.catalogue.sendable())
        self._dispatcher.is_urgent = lambda: self.bus.is_urgent
        stack.push_async_callback(self._dispatcher.close)
        refused = Refused(commands, self.bus, self._gate)
        self._gate.keep = refused.keep
        self.dead = Dead(commands, commands, self._dispatcher, refused, self.catalogue.asked)
        archive = Archive(
            bus=self.bus,
            database=database,
            recorder=self.observer.recorder,
            commands=commands,
            retention=self.config.retention,
            cut=self.audit.cut,
            mads=self.config.mads,
            tools=self.catalogue.tools,
            labels=self._labels,
            beyond=beyond(self.config),
        )
        await archive.eraser.resume()
        archive.sweeper.start()
        stack.push_async_callback(archive.sweeper.stop)
        return archive

    async def drain(self) -> None:
        """Take no new call, let what runs come to its end, then end the MADs, callers first: within 2 s together."""
        self._dispatcher.seal()
        await self._upkeep.stop()
        drained = asyncio.create_task(self.bus.drain(GRACE))
        await asyncio.wait({drained}, timeout=GRACE)
        await asyncio.gather(drained, self.supervisor.stop())

    async def status(self) -> Sequence[Status]:
        """Return how each MAD fares, in the order of the configuration."""
        seen = await self._health.status()
        counts = [self._dispatcher.counts(status.mad) for status in seen]
        return [
            self._guards.on(msgspec.structs.replace(status, commands=opened, dead=dead, parked=parked))
            for status, (opened, dead, parked) in zip(seen, counts, strict=True)
        ]

    async def figures(self, accepted: str) -> tuple[bytes, str]:
        """Return the page of figures for Prometheus and its content type, in a format that is `accepted`."""
        from mads.observe.metrics import Figures, page  # noqa: PLC0415  slow to import, and not for every command

        figures = Figures(
            cells=self.observer.meter.cells,
            mads=await self.status(),
            recording=self.observer.recorder.waiting,
            left_out=self.observer.recorder.left_out,
            exported=self._export.counts() if self._export else {},
        )
        return await page(figures, accepted)

    async def restart(self, mad: str) -> None:
        """Start `mad` anew, whatever has become of it; where it runs no call is lost."""
        await self.supervisor.restart(mad)

    async def reload(self, mad: str) -> Reloaded:
        """Start `mad` with its code as it now stands on disk; where that does not load, the old one goes on."""
        place = self.supervisor.named(mad)
        async with self._reloading:
            before, known = self.catalogue.offered(mad), self.catalogue.declared
            anew = await asyncio.to_thread(self._sources.anew, mad, self.catalogue.declared)
            try:
                await place.replace(self._births.of(mad, anew.declared, anew.fillings, anew.offered, anew=True))
            except BaseException:
                self._sources.undo(anew)
                raise
            self._sources.keep(anew)
            self._reloaded[mad] = time.monotonic()
            self.catalogue.renew(mad, anew.declared, anew.fillings, anew.offered)
            self.policy.declare(self.catalogue.calls())
            self._know_events()
            self._dispatcher.tools = self.catalogue.sendable()
            self.supervisor.released(mad, callees := self.catalogue.callees())
            if anew.offered != before:
                self.signals.tell(OffersChanged(mad))
            callers = (caller for caller, called in callees.items() if anew.offered != before and mad in called)
            return Reloaded(tuple(callers), reshaped(known, mad, anew.replaced))

    def _publish(self, mad: str, declared: Declaration) -> None:
        """Say from now on that `mad` offers what was found on the server for which it stands."""
        self.catalogue.renew(mad, declared, self.catalogue.fillings[mad], tool_infos(mad, declared))
        self._dispatcher.tools = self.catalogue.sendable()
        self.signals.tell(OffersChanged(mad))

    def missing(self) -> Mapping[str, str]:
        """Return for each MAD whose offers are not all there why that is."""
        return {mad: why for mad, why in self._foreign.troubles.items() if why}

    def tools(self) -> Sequence[ToolInfo]:
        """Return every tool that whoever makes the call being handled may call; outside of one, all on any list."""
        call, tools = current.get(), self._guards.board.marked(self.catalogue.listed())
        if call is None:
            return tools
        known = flagged(tools, self._guards.flags.snapshot, facts(call.identity, call.conversation, ""))
        return [tool for tool in known if self.policy.shows(call.identity, tool)]

    def layers(self) -> Sequence[str]:
        """Return the names of the layers, outermost first."""
        return self._layers

    async def limits(self) -> Sequence[LimitInfo]:
        """Return every limit, and what is used of it by those of whom the call being handled may be told."""
        return await shown(self._guards.book)

    def events(self) -> Sequence[EventInfo]:
        """Return every event that some MAD hears, and every critical one."""
        return self._events.infos()

    def shown(self, mad: str) -> Shown:
        """Return who `mad` is; raise `InvalidMessage` where there is none."""
        shown: Shown = self._guards.on(self.catalogue.shown(mad))
        return shown

    async def emit(self, event: str, body: dict[str, Any]) -> int:
        """Publish an event by hand; raise `InvalidMessage` where its name or body does not fit."""
        return await self._events.emit(event, body)

    def _hide(self, asked: Any, found: list[Any]) -> Any:
        """Return what may be kept of the arguments of `emit`, as the events that there are now say."""
        return self._events.hide(asked, found)

    def _read(self, mad: str) -> float:
        """Return when the code of `mad` was read: a child reads what is on disk whenever it starts."""
        if self.config.mads[mad].run == "process":
            return self.supervisor.places[mad].seat.since
        return self._reloaded.get(mad, 0.0)

    async def audited(self, which: AuditQuery) -> Sequence[AuditRow]:
        """Return the last rows of the audit that fit `which`, oldest first."""
        await self.observer.recorder.flush()
        return await self.audit.last(which)

    async def verified(self) -> Verified:
        """Return how many rows the audit has, and what is wrong with them."""
        await self.observer.recorder.flush()
        return await self.audit.verified()

    def _written(self, spans: Sequence[Span], entries: Sequence[Entry]) -> None:
        """Hear of what is on record now."""
        self.audit.heard(spans, entries)
        if self._export is not None:
            self._export.heard(spans, entries)

    def _know_events(self) -> None:
        self._events = Events(self.catalogue.declared, self.bus, self._caller)
        self._gate.know(self._events.heard)

    async def _place(self, mad: str, stack: contextlib.AsyncExitStack) -> None:
        declared = self.catalogue.declared[mad]
        seat = Seat(self.bus, mad, self.config.mads[mad], self.supervisor.changed)
        seat.instead = self._guards.fallbacks.after
        await seat.open(patterns(mad, declared))
        bear = self._births.of(mad, declared, self.catalogue.fillings[mad], self.catalogue.offered(mad))
        place = self.supervisor.places[mad] = Place(self.bus, seat, bear, self.supervisor.ended)
        stack.push_async_callback(place.stop)
        await place.start()


@contextlib.asynccontextmanager
async def running(
    config: Config, *, layers: Sequence[str] = LAYERS, strict: bool = False
) -> AsyncGenerator[RunningSystem]:
    """Run the system of `config` for as long as the block lasts.

    `strict` sends every message as bytes, even between two MADs of one process. Raises `ConfigError` where the system
    cannot start, and leaves nothing behind.
    """
    system = RunningSystem(config, survey(config), layers, strict=strict)
    async with contextlib.AsyncExitStack() as stack:
        await system.start(stack)
        log = structlog.get_logger()
        log.info("system started", mads=list(config.mads))
        yield system
        log.info("system stops")
        await system.drain()
