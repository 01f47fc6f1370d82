"""What is asked for one by one in one turn of the loop is done as one: one statement, one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Together(Generic[A, B]):
    """Does `work`, which answers many askings in their order, for whoever asks one thing.

    It is done even where whoever asked is cancelled; where it raises, everyone who asked hears of it.
    """

    def __init__(self, work: Callable[[Sequence[A]], Awaitable[Sequence[B]]]) -> None:
        self._work = work
        self._asked: list[A] = []
        self._answers: list[asyncio.Future[B]] = []
        self._at_work: set[asyncio.Task[None]] = set()

    def ask(self, asking: A) -> asyncio.Future[B]:
        """Return a future of the answer."""
        if not self._asked:
            task = asyncio.create_task(self._do())  # its first step is after what else is asked in this turn
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)
        self._asked.append(asking)
        answer: asyncio.Future[B] = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        return answer

    async def settle(self) -> None:
        """Wait until all that was asked for is done."""
        while self._at_work:
            await asyncio.gather(*self._at_work, return_exceptions=True)

    async def _do(self) -> None:
        asked, answers = self._asked, self._answers
        self._asked, self._answers = [], []
        try:
            found = await self._work(asked)
        except Exception as error:  # noqa: BLE001  it is theirs who asked
            for answer in answers:
                if not answer.done():
                    answer.set_exception(error)
            return
        for answer, one in zip(answers, found, strict=True):
            if not answer.done():
                answer.set_result(one)
