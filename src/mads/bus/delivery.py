"""A call on its way to a handler, with what a scheduler has to know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from mads.wire.call import Call, Reply

if TYPE_CHECKING:
    from asyncio import Future

    from mads.bus.fair import Line


class Delivery(Struct, eq=False):
    """A call on its way to a handler; `answer` is None where nobody waits for a reply.

    It waits `since` then (as a deadline; 0 where a worker was free at once) in its `line`, and handling it is expected
    to `cost` so many seconds.
    """

    call: Call
    answer: Future[Reply] | None = None
    since: float = 0.0
    cost: float = 0.0
    line: Line | None = None

    def end(self, reply: Reply) -> None:
        """Give `reply` to whoever still waits for one."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(reply)
