"""How each MAD fares: green, yellow or red, and why."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator

from mads.host.config import STEWARD, Config
from mads.host.guards import Guards
from mads.host.supervise.blocking import BlockingWatch
from mads.host.supervise.census import Census
from mads.host.supervise.place import Place
from mads.host.supervise.process import Child
from mads.host.supervise.supervisor import Supervisor
from mads.host.supervise.usage import rss
from mads.observe.record import Observer
from mads.wire.status import Status, Vitals

PATIENCE = 0.5
"""Seconds that a child has to say how it fares."""
RED = 1.0
"""Seconds without an answer after which a child's loop counts as blocked."""
MEMORY = 30.0
"""Seconds for which it is held against a MAD that it held up the loop."""
FULL = 0.8
"""How full an inbox may be."""


class Health:
    """The health of every MAD of a system; `trouble` says what one that stands for somebody else has with them.

    `guards` say what is off.
    """

    def __init__(
        self,
        config: Config,
        supervisor: Supervisor,
        observer: Observer,
        watch: BlockingWatch,
        census: Census,
        *,
        guards: Guards,
        trouble: Callable[[str], str],
    ) -> None:
        self._guards, self._trouble = guards, trouble
        self._config, self._supervisor, self._watch, self._census = config, supervisor, watch, census
        self._meter, self._recorder = observer.meter, observer.recorder

    async def status(self) -> list[Status]:
        """Return how each MAD fares, in the order of the configuration."""
        return await asyncio.gather(*(self._status(mad) for mad in self._config.mads))

    async def _status(self, mad: str) -> Status:
        place = self._supervisor.places.get(mad)
        if place is None:
            return Status(mad=mad, run=self._config.mads[mad].run, state="starting", pid=0, health="yellow")
        life, seat = place.life, place.seat
        if isinstance(life, Child):
            seen = None if life.pulse.silent >= RED else await life.vitals(PATIENCE)
            vitals, pid = seen or life.pulse.vitals, life.pid
        else:
            vitals = self._watch.vitals(mad, growing=self._census.growing(mad))
            pid = os.getpid() if life else 0
        colour, why = self.judge(mad, place, vitals)
        oldest, waits = seat.waits()
        return Status(
            mad=mad,
            run=self._config.mads[mad].run,
            state=seat.state,
            pid=pid,
            restarts=seat.restarts,
            waiting=seat.waiting,
            dropped=seat.dropped,
            blocked=vitals.blocked,
            uptime_s=round(time.monotonic() - seat.since, 1),
            why=why or seat.why,
            tools=self._meter.read(mad),
            health=colour,
            growing=vitals.growing,
            rss_mb=round(rss(pid) / 1e6, 1) if pid else 0.0,
            oldest_s=round(oldest, 1),
            waits=waits,
            refused=seat.refused(),
        )

    def judge(self, mad: str, place: Place, vitals: Vitals) -> tuple[str, str]:
        """Return the colour of a MAD, and why it is not green."""
        state, why = place.seat.state, place.seat.why
        if state == "running":
            return next(self._findings(mad, place, vitals), ("green", ""))
        return ("red" if state in ("restarting", "quarantined") else "yellow"), why

    def _findings(self, mad: str, place: Place, vitals: Vitals) -> Iterator[tuple[str, str]]:
        config, seat = self._config.mads[mad], place.seat
        if isinstance(place.life, Child) and place.life.pulse.silent >= RED:
            yield "red", f"its loop has not answered for {place.life.pulse.silent:.1f} s"
        for what in self._guards.findings(mad):
            yield "yellow", what
        if vitals.at and vitals.ago < MEMORY:
            held = f"it held up its loop {vitals.ago:.0f} s ago at {vitals.at}"
            here = f'{held}; and with it every MAD here: write run = "process" at {mad}'
            yield ("yellow", held) if config.run == "process" or mad == STEWARD else ("red", here)
        if trouble := self._trouble(mad):
            yield "yellow", trouble
        if vitals.growing:
            yield "yellow", vitals.growing
        if mad == STEWARD and self._recorder.trouble:
            yield (
                "yellow",
                f"calls are not recorded, {self._recorder.left_out} are lost to it: {self._recorder.trouble}",
            )
        if seat.waiting >= FULL * config.inbox:
            yield "yellow", f"{seat.waiting} calls wait where {config.inbox} may"
