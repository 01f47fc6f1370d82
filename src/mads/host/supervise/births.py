"""Where the lives of MADs come from: an instance in this process, or a child, as the configuration says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count

from mads.author.declaration import Declaration
from mads.bus.unix import Hub
from mads.host.config import Config
from mads.host.contracts import Contracts
from mads.host.events.signals import Signals
from mads.host.inject import Filling
from mads.host.instance import Instance, Surroundings
from mads.host.layers import Outer
from mads.host.supervise.child import Assignment
from mads.host.supervise.life import Life
from mads.host.supervise.place import Bear
from mads.host.supervise.process import Child
from mads.host.supervise.seat import Around, SeatBus
from mads.wire.call import Handle
from mads.wire.tools import ToolInfo


class Births:
    """Makes the lives of the MADs of one system."""

    def __init__(
        self, config: Config, hub: Hub, around: Surroundings, outer: Outer, *, contracts: Contracts, signals: Signals
    ) -> None:
        self._config, self._hub, self._around, self._outer = config, hub, around, outer
        self._contracts, self._signals = contracts, signals
        self._number = count(1).__next__

    def of(
        self,
        mad: str,
        declared: Declaration,
        fillings: list[Filling],
        offered: tuple[ToolInfo, ...],
        *,
        anew: bool = False,
    ) -> Bear:
        """Return what makes the lives of `mad` where it declares this, offers that, and its fields are filled so.

        What was loaded `anew` has classes of its own, so to its neighbours it speaks in bytes.
        """
        config = self._config.mads[mad]
        strict = self._around.strict or anew
        around = replace(self._around, declared={**self._around.declared, mad: declared}, strict=strict)

        def here(bus: SeatBus) -> Life:
            life = Instance(mad, config, fillings, replace(around, bus=bus))
            bus.around = self._outside(mad, offered, lambda: life.declared)
            return life

        def child(bus: SeatBus) -> Life:
            bus.around = self._outside(mad, offered, lambda: declared)
            assignment = Assignment(mad, self._config, self._outer.names, strict=around.strict, number=self._number())
            return Child(bus, self._hub, assignment, declared, signals=self._signals, labels=around.labels)

        return child if config.run == "process" else here

    def _outside(self, mad: str, offered: tuple[ToolInfo, ...], now: Callable[[], Declaration]) -> Around:
        """Return what stands round all calls of `mad`, which declares what `now` says once it lives."""

        async def around(handle: Handle) -> Handle:
            checked = self._contracts.round(mad, offered, handle)
            return await self._outer.round(mad, now(), self._config.mads[mad].run, checked)

        return around
