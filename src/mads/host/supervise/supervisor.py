"""Supervision: what ended is started again by the rule, and in the end all are stopped, callers first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any

import structlog

from mads.author.signals import State, StateChanged
from mads.host.config import Config
from mads.host.events.signals import Signals
from mads.host.quantity import seconds
from mads.host.supervise.life import End
from mads.host.supervise.place import Place
from mads.host.supervise.restarts import RestartRule, Verdict
from mads.wire.errors import ConfigError, InvalidMessage

WITHIN = 0.7
"""Seconds after which those MADs that are still to be stopped get no time any more, when the whole system stops."""


LAST = 0.3
"""Seconds after that in which the order is kept all the same: who gets no time is soon gone."""


class Supervisor:
    """Sees to the `places`, which are given in the order of their start; `spared` is never ended for another's sake.

    `crashed` hears of a MAD that ended by itself.
    """

    def __init__(
        self,
        config: Config,
        order: Sequence[str],
        callees: Mapping[str, Collection[str]],
        spared: str,
        signals: Signals,
    ) -> None:
        self.places: dict[str, Place] = {}
        self.given_up: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._config, self._order, self._callees, self._spared = config, order, callees, spared
        self._signals = signals
        self._rule = RestartRule(config.supervision, config.mads, order)
        self._turn = asyncio.Lock()
        self._down: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.crashed: Callable[[str], object] = lambda _: None
        self._log = structlog.get_logger()

    def ended(self, mad: str, end: End) -> None:
        """Do what the rule says about the end of `mad`."""
        place = self.places[mad]
        if self._stopping or mad in self._down or place.life is not None:
            return
        self.crashed(mad)
        verdict = self._rule.ended(mad, time.monotonic(), clean=end.clean)
        if verdict.kind == "restart":
            place.seat.be("restarting", end.why)
            place.seat.restarts += 1
            self._down |= {mad, *self._able(verdict.stop)}
            self._spawn(self._restart(mad, verdict))
        elif verdict.kind == "leave":
            kind = self._config.mads[mad].restart
            place.seat.be("ended", f'{end.why}; restart = "{kind}" leaves it so; to have it back: mads restart {mad}')
        else:
            self._give_up(mad, end.why)

    def changed(self, mad: str, was: State, state: State, why: str) -> None:
        """Tell that `mad` went from one state to another."""
        if self._stopping:
            return
        self._signals.tell(StateChanged(mad, was, state, why))
        if was != "starting":
            say = self._log.info if state in ("running", "ended") else self._log.warning
            say(f"MAD is {state}", mad=mad, was=was, why=why)

    async def restart(self, mad: str) -> None:
        """Start `mad` anew: where it runs a new life takes over and no call is lost; what it did before is forgotten.

        Raises `InvalidMessage` where there is none, or it is the control plane; `ConfigError` where it cannot start.
        """
        place = self.named(mad)
        self._rule.forget(mad)
        if place.life is None:
            await place.start()
        else:
            await place.replace()

    def released(self, mad: str, callees: Mapping[str, Collection[str]]) -> None:
        """Forget how often `mad` was restarted: it has new code, and the MADs call each other as in `callees`."""
        self._rule.forget(mad)
        self._callees = callees

    def named(self, mad: str) -> Place:
        """Return the place of a MAD that may be ended by name; raise `InvalidMessage` where there is none."""
        place = self.places.get(mad)
        if place is None:
            raise InvalidMessage(f"there is no MAD {mad!r}; there is {', '.join(self.places)}")
        if mad == self._spared:
            raise InvalidMessage(f"{mad} is who does this, and cannot do it to itself; end the system: mads up, Ctrl-C")
        return place

    async def stop(self) -> None:
        """Stop every MAD, each once those that call it have stopped: within `WITHIN` seconds, or else in haste.

        One that is not gone `LAST` seconds after that holds up no other any more.
        """
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        end = time.monotonic() + WITHIN
        stopped: dict[str, asyncio.Task[None]] = {}

        async def stop(mad: str, callers: list[asyncio.Task[None]]) -> None:
            if callers:
                await asyncio.wait(callers, timeout=max(0.0, end + LAST - time.monotonic()))
            place = self.places[mad]
            await place.stop(end)
            place.seat.be("stopped")

        for mad in reversed([mad for mad in self._order if mad in self.places]):
            callers = [task for caller, task in stopped.items() if mad in self._callees[caller]]
            stopped[mad] = asyncio.create_task(stop(mad, callers), name=f"stop {mad}")
        await asyncio.gather(*stopped.values())

    async def _restart(self, mad: str, verdict: Verdict) -> None:
        async with self._turn if verdict.stop else asyncio.Lock():
            start = self._able(verdict.start)
            for other in reversed(self._able(verdict.stop)):
                place = self.places[other]
                if place.life is not None:
                    why = f"{mad} ended, and the strategy is to end it as well"
                    place.seat.be("restarting" if other in start else "ended", why)
                await place.stop()
            await asyncio.sleep(verdict.pause)
            for each in start:
                self._down.discard(each)
                if not await self._start(each):
                    return
            self._down -= {*verdict.stop}

    async def _start(self, mad: str) -> bool:
        """Start `mad`; return False where it could not be, and its own restart will start those after it."""
        try:
            await self.places[mad].start()
        except ConfigError as error:
            self.ended(mad, End(str(error)))
            return self.places[mad].seat.state != "restarting"
        return True

    def _able(self, mads: Sequence[str]) -> list[str]:
        """Return those of `mads` that can be ended and started for another's sake, in the order of their start."""
        return [mad for mad in mads if mad != self._spared and self.places[mad].seat.state != "quarantined"]

    def _give_up(self, mad: str, why: str) -> None:
        rules = self._config.supervision
        times = f"{rules.intensity + 1} times" if rules.intensity else "once"
        often = f"{why}; that was {times} within {seconds(rules.period):g} s"
        self.places[mad].seat.be("quarantined", f"{often}; to have it back: mads restart {mad}")
        if rules.escalate == "exit" and not self.given_up.done():
            self.given_up.set_result(f"{mad} was given up: {often}")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
