"""Calls that go on from one request to the next: the client gets questions, and comes again with the answers.

The handler waits in memory meanwhile, so that nothing is done twice: the `requestState` only says which one it is. It
is good for one round, and sealed for its principal, tool and arguments, for as long as a call may take.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from typing import Any

from mads.gateway.answer import Answer
from mads.gateway.reach import Reach
from mads.gateway.reporter import Reporter

MOST = 32
"""How many calls of one principal may wait for answers; for one more the oldest ends."""

KEPT = 60.0
"""The seconds for which the end of a call is kept that ended while its client was away."""


class Gone(Exception):
    """There is no such round: it is over, or its call has ended."""


class _Call:
    """A call that waits for its client, or is on its way to the next question."""

    def __init__(self, whose: str, task: asyncio.Task[Answer], reporter: Reporter) -> None:
        self.id, self.whose, self.round = secrets.token_hex(8), whose, 0
        self.task, self.reporter = task, reporter

    @property
    def state(self) -> str:
        """What names its present round."""
        return f"{self.id}.{self.round}"


class Rounds:
    """The calls that wait for their clients, each for one round."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Call] = {}

    async def begin(self, whose: str, work: Coroutine[Any, Any, Answer], reporter: Reporter) -> Answer:
        """Do `work`, which has `reporter` for a sink; return what comes of it, or the questions that it asks first."""
        return await self._round(_Call(whose, asyncio.create_task(work), reporter))

    async def go_on(self, whose: str, state: str, reach: Reach) -> Answer:
        """Go on with a call of which `state` is the round, and return as `begin` does; raise `Gone` if that is over."""
        call = self._waiting.get(state)
        if call is None or call.whose != whose:
            raise Gone
        del self._waiting[state]
        call.reporter.go_on(reach)
        return await self._round(call)

    async def close(self) -> None:
        """End them all."""
        tasks = [call.task for call in self._waiting.values()]
        self._waiting.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _round(self, call: _Call) -> Answer:
        try:
            while not call.task.done() and not call.reporter.questions():
                call.reporter.news.clear()
                news = asyncio.create_task(call.reporter.news.wait())
                await asyncio.wait((call.task, news), return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
                await asyncio.sleep(0)  # those who ask side by side are asked in one round
        except BaseException:
            call.task.cancel()
            await asyncio.wait((call.task,))
            raise
        if call.task.done():
            return call.task.result()
        return self._left(call)

    def _left(self, call: _Call) -> Answer:
        """Let a call wait for its client; return what that is asked."""
        mine = [other for other in self._waiting.values() if other.whose == call.whose]
        if len(mine) >= MOST:
            mine[0].task.cancel()
            del self._waiting[mine[0].state]
        call.round += 1
        self._waiting[call.state] = call
        call.task.add_done_callback(lambda task: self._ended(task, call.state))
        asked = {name: {"method": it.method, "params": it.params} for name, it in call.reporter.questions().items()}
        return {"resultType": "input_required", "inputRequests": asked, "requestState": call.state}

    def _ended(self, task: asyncio.Task[Answer], state: str) -> None:
        """Forget a call that ended while its client was away, in a while: it may come yet to hear how."""
        if not task.cancelled():
            task.exception()
        if state in self._waiting:
            asyncio.get_running_loop().call_later(KEPT, self._waiting.pop, state, None)
