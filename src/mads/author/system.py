"""What the control plane may ask of the system that runs it: the port behind the built-in MAD steward."""

from collections.abc import Sequence
from typing import Any, Protocol

from mads.wire.status import EventInfo, Shown, Status
from mads.wire.tools import ToolInfo


class System(Protocol):
    """The running system, seen from inside."""

    async def status(self) -> Sequence[Status]:
        """Return how each MAD fares."""
        ...

    def tools(self) -> Sequence[ToolInfo]:
        """Return every tool of every MAD, by canonical name."""
        ...

    def shown(self, mad: str) -> Shown:
        """Return who a MAD is; raise `InvalidMessage` where there is none of that name."""
        ...

    def events(self) -> Sequence[EventInfo]:
        """Return every event that some MAD hears or declares."""
        ...

    def layers(self) -> Sequence[str]:
        """Return the layers round every handler, outermost first."""
        ...

    async def emit(self, event: str, body: dict[str, Any]) -> int:
        """Publish an event by its wire name, or any unambiguous ending of it; return how many MADs hear it."""
        ...
