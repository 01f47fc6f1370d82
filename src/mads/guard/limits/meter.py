"""How large: the bytes of what is asked and of what is answered, items of a stream included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Raw

from mads.wire import codec
from mads.wire.call import Progress, Sink
from mads.wire.errors import Limited


def size(body: Any) -> int:
    """Return how many bytes `body` takes where it travels."""
    return len(body) if type(body) is Raw else len(codec.encode(body))


class Meter:
    """A sink before `sink` that raises what `refused` returns, once more than `most` bytes of items have come.

    `error` is what it raised: whoever puts in items may go on all the same.
    """

    def __init__(self, sink: Sink, most: int, refused: Callable[[int], Limited]) -> None:
        self._sink, self._most, self._refused = sink, most, refused
        self._taken = 0
        self.error: Limited | None = None

    async def item(self, body: Any) -> None:
        """Hand over one item."""
        self._taken += size(body)
        if self._taken > self._most:
            self.error = self._refused(self._taken)
            raise self.error
        await self._sink.item(body)

    def progress(self, progress: Progress) -> None:
        """Report progress."""
        self._sink.progress(progress)
