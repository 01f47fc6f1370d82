"""Off until further notice: a call of what the operator has stopped is refused, and told by whom and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from mads.wire.call import EVENT, Call, Handle, Layer, Reply
from mads.wire.errors import Stopped
from mads.wire.failure import failure_of
from mads.wire.record import Decision
from mads.wire.served import LayerFor, Served
from mads.wire.status import Stop
from mads.wire.tools import ToolInfo

CONTROL = "steward"
"""The MAD that nobody can stop: by it whatever is stopped is resumed."""

AGAIN = 5.0
"""In how many seconds whoever is refused may ask again: nobody knows how long it will be."""


class Lever:
    """The switch of one thing that is served: by which `stop` it is off, None where it is not."""

    __slots__ = ("stop",)

    def __init__(self) -> None:
        self.stop: Stop | None = None


class Board:
    """The levers of one system, which stand as they were last thrown."""

    def __init__(self) -> None:
        self._levers: dict[tuple[str, str], Lever] = {}
        self._stops: dict[str, Stop] = {}

    def throw(self, stops: Iterable[Stop]) -> None:
        """Have `stops` off, by MAD or by MAD.TOOL, and everything else on."""
        self._stops = {stop.what: stop for stop in stops}
        for (mad, name), lever in self._levers.items():
            lever.stop = self.find(mad, name)

    def __bool__(self) -> bool:
        return bool(self._stops)

    def find(self, mad: str, name: str = "") -> Stop | None:
        """Return by what a MAD, or one thing that it serves, is off."""
        return self._stops.get(mad) or self._stops.get(f"{mad}.{name}")

    def of(self, mad: str) -> tuple[Stop, ...]:
        """Return all that is off of one MAD."""
        return tuple(stop for what, stop in self._stops.items() if what.partition(".")[0] == mad)

    def lever(self, served: Served) -> Lever:
        """Return the lever of what is served."""
        lever = self._levers.setdefault((served.mad, served.name), Lever())
        lever.stop = self.find(served.mad, served.name)
        return lever

    def refuses(self, call: Call) -> bool:
        """Return whether a call that waits would be refused; one of an event waits for its turn to be told."""
        if call.subject.startswith(EVENT):
            return False
        _, _, name = call.subject.partition(".")
        mad, _, tool = name.partition(".")
        return self.find(mad, tool) is not None

    def marked(self, tools: Sequence[ToolInfo]) -> Sequence[ToolInfo]:
        """Return `tools`, each of which says where it is off."""
        if not self._stops:
            return tools
        return [
            tool if (stop := self.find(tool.mad, tool.tool)) is None else replace(tool, stopped=told(stop))
            for tool in tools
        ]


def switch(board: Board) -> LayerFor:
    """Return the layer whose levers are on `board`; where nothing is off it costs a look."""

    def layer_for(served: Served) -> Layer:
        if served.mad == CONTROL:
            return lambda handle: handle
        lever = board.lever(served)

        def layer(handle: Handle) -> Handle:
            async def refused(call: Call, stop: Stop) -> Reply:
                error = Stopped(
                    f"mads.{served.mad}.{served.name} is not answered: {stop.what} is {told(stop)}",
                    where=served.mad,
                    rule=told(stop),
                    retry_after=AGAIN,
                )
                decision = Decision("switch", allowed=False, rule=f"{stop.what} is {told(stop)}")
                return Reply(failure=failure_of(error, request=call.id), decisions=(decision,))

            return lambda call: handle(call) if (stop := lever.stop) is None else refused(call, stop)

        return layer

    return layer_for


def told(stop: Stop) -> str:
    """Return by whom something is stopped, since when and why."""
    return f"stopped by {stop.by} since {stop.at}: {stop.why}"
