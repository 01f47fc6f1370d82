"""What is looked at all the time: whether each child answers, stays within its limits, and is due to be replaced."""

from __future__ import annotations

import asyncio
import random
import time

import structlog

from mads.host.config import Config, MadConfig
from mads.host.quantity import seconds, size
from mads.host.regularly import regularly
from mads.host.supervise.health import Health
from mads.host.supervise.place import Place
from mads.host.supervise.process import Child
from mads.host.supervise.supervisor import Supervisor
from mads.host.supervise.usage import processes, rss
from mads.wire.errors import ConfigError
from mads.wire.status import Vitals

BEAT = 0.25
"""Seconds between two looks."""
AGAIN = 60.0
"""Seconds after which a MAD that could not be replaced is tried again."""
JITTER = 0.1
"""By which part a MAD is replaced sooner or later than is written, so that not all are at once."""


class Upkeep:
    """Looks after the MADs of one system until it is stopped."""

    def __init__(self, config: Config, supervisor: Supervisor, health: Health) -> None:
        self._config, self._supervisor, self._health = config, supervisor, health
        self._colours: dict[str, str] = {}
        self._due: dict[str, Due] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger()

    def start(self) -> None:
        """Begin."""
        self._before = time.monotonic()
        self._looking = asyncio.create_task(regularly(BEAT, self._look), name="upkeep")

    async def stop(self) -> None:
        """End; whoever is being replaced stays."""
        tasks = (self._looking, *self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        now = time.monotonic()
        passed, self._before = min(now - self._before, 2 * BEAT), now
        for mad, place in self._supervisor.places.items():
            config = self._config.mads[mad]
            for life in place.lives:
                if isinstance(life, Child) and life.pid:
                    self._check(life, config, passed)
            self._tell(mad, place)
            self._recycle(mad, place, config)

    def _check(self, child: Child, config: MadConfig, passed: float) -> None:
        """Kill a child that does not answer, or takes more than it may."""
        child.pulse.beat(passed)
        if child.pulse.silent >= seconds(config.watchdog):
            child.kill(f"its loop did not answer for {child.pulse.silent:.1f} s, so it was killed")
        elif config.memory is not None and (taken := rss(child.pid)) > size(config.memory):
            child.kill(f"it took {taken / 1e6:.0f} MB of memory where {config.memory} is the limit, so it was killed")
        elif processes(child.pid, config.processes) > config.processes:
            child.kill(f"it started more than the {config.processes} processes that it may have, so it was killed")

    def _tell(self, mad: str, place: Place) -> None:
        """Log when the colour of a MAD has changed; what is asked of a child alone is what it last said."""
        life = place.life
        if life is None:
            return
        colour, why = self._health.judge(mad, place, life.pulse.vitals if isinstance(life, Child) else Vitals())
        if colour != self._colours.get(mad, "green"):
            say = self._log.info if colour == "green" else self._log.warning
            say("health", mad=mad, is_now=colour, why=why)
        self._colours[mad] = colour

    def _recycle(self, mad: str, place: Place, config: MadConfig) -> None:
        """Replace a MAD that is due."""
        due = self._due.get(mad)
        if place.life is None:
            return
        if due is None or due.of is not place.life:
            self._due[mad] = Due(place, config)
        elif why := due.why():
            due.put_off()
            task = asyncio.create_task(self._replace(mad, place, why))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _replace(self, mad: str, place: Place, why: str) -> None:
        try:
            await place.replace()
        except ConfigError as error:
            self._log.warning("MAD could not be replaced", mad=mad, why=str(error), again=f"{AGAIN:.0f} s")
        else:
            self._log.info("MAD was replaced by a new one", mad=mad, why=why)


class Due:
    """When the life that now serves in `place` is due to be replaced."""

    def __init__(self, place: Place, config: MadConfig) -> None:
        self.of = place.life
        self._seat, self._rule, self._jitter = (
            place.seat,
            config.recycle,
            random.SystemRandom().uniform(1 - JITTER, 1 + JITTER),
        )
        self._calls, self._since = place.seat.calls, time.monotonic()
        self._not_before = 0.0

    def put_off(self) -> None:
        """Be not due for a while."""
        self._not_before = time.monotonic() + AGAIN

    def why(self) -> str:
        """Return why it is due; "" where it is not."""
        rule, now = self._rule, time.monotonic()
        if now < self._not_before:
            return ""
        if rule.calls is not None and self._seat.calls - self._calls >= max(1, rule.calls * self._jitter):
            return f"it took {self._seat.calls - self._calls} calls"
        if rule.age is not None and now - self._since >= seconds(rule.age) * self._jitter:
            return f"it is {now - self._since:.0f} s old"
        if rule.rss is not None and self.of is not None and rss(self.of.pid) >= size(rule.rss) * self._jitter:
            return f"it has {rss(self.of.pid) / 1e6:.0f} MB in memory"
        return ""
