"""The `Door` is all that the gateway sees of the system behind it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from mads.wire.call import Identity, Sink
from mads.wire.context import Origin
from mads.wire.tools import ToolInfo


class Door(Protocol):
    """A way into a running system, wherever that runs."""

    def tools(self) -> Awaitable[Sequence[ToolInfo]]:
        """Return every tool of every MAD.

        Asked before each call, so that nothing is decided from an old list; return the same object while nothing has
        changed. Raises `MadsError` where the system does not answer.
        """
        ...

    def watched(self, hear: Callable[[str], None]) -> AbstractAsyncContextManager[None]:
        """Let `hear` hear, while inside, at which address something has changed.

        "" is for what is offered, "*" for who may call it.
        """
        ...

    def missing(self) -> Mapping[str, str]:
        """Return for each MAD that does not offer all it has at the moment why that is."""
        ...

    async def call(
        self,
        tool: str,
        arguments: dict[str, Any],
        *,
        request: str,
        identity: Identity,
        sink: Sink,
        origin: Origin | None = None,
        conversation: str | None = None,
        notes: str | None = None,
        worth: float | None = None,
    ) -> Any:
        """Call a tool by its canonical name; return its result in the types of JSON, or None where it streams.

        `request` becomes the id of the call, `origin` its place in a trace; nothing acts on `notes`. The answer is
        `worth` so many dollars. Its progress, and
        the items of a stream in the types of JSON, go to `sink`. Cancelling this cancels the handler. Raises
        `CallError`, which is `InvalidMessage` where `arguments` do not fit the tool: nobody checks them before.
        """
        ...
