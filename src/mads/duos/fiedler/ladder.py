"""The models of a rule, one after the other or side by side, until one answers or the caller's time is up."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from mads.duos.fiedler.trial import Done, Trial
from mads.wire.errors import CallError, DeadlineExceeded, Failed, Limited
from mads.wire.model import Attempt, ModelAnswer, ModelRequest, Piece

AGAIN = ("limited", "overloaded", "lost", "budget")
"""How an attempt ends after which the same model may be asked again, once its provider may."""

MOST = 3
"""How often one model is asked by one request."""

MARGIN = 0.05
"""Seconds of the caller's time that are kept for the answer to get there."""


@dataclass
class Ladder:
    """Climbs `trials`, first to last, as long as `remaining` seconds are left; `tried` is what came of each attempt."""

    remaining: Callable[[], float]
    hedge: float | None = None
    trials: Sequence[Trial] = ()
    tried: list[Attempt] = field(default_factory=list[Attempt])
    _retry: dict[str, float] = field(default_factory=dict[str, float])

    async def climb(self, request: ModelRequest) -> ModelAnswer:
        """Return the first answer; raise a `CallError` that says what each attempt came to where there is none."""
        answer = await self._first(request)
        while answer is None:
            trial = self._patient(request)
            if trial is None:
                raise self._given_up()
            left = self._left()
            answer = self.noted(await trial.complete(request, within=left, patience=left))
        return self._told(answer)

    async def vote(self, request: ModelRequest) -> ModelAnswer:
        """Ask every model; return what most of them say, of two halves the one that the first of them says."""
        left = self._left()
        asked = (trial.complete(request, within=left, patience=left) for trial in self.trials)
        answers = [answer for done in await asyncio.gather(*asked) if (answer := self.noted(done))]
        if not answers:
            raise self._given_up()
        said = Counter(_said(answer) for answer in answers)
        word, votes = said.most_common(1)[0]
        winner = next(answer for answer in answers if _said(answer) == word)
        if votes * 2 <= len(answers) and len(answers) > 1:
            winner = replace(winner, flags=(*winner.flags, f"no majority: {votes} of {len(answers)} say this"))
        return self._told(replace(winner, votes=votes))

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Piece]:
        """Yield the pieces of the first answer that begins; what breaks off after that is not begun anew."""
        queue = deque(self.trials)
        patience = 0.0
        while queue:
            trial, begun, done = queue.popleft(), False, None
            within = self._share(len(queue), trial)
            async with aclosing(trial.stream(request, within=within, patience=patience)) as arriving:
                async for item in arriving:
                    if isinstance(item, str):
                        begun = True
                        yield Piece(item)
                    else:
                        done = item
            assert done is not None
            if (answer := self.noted(done)) is not None:
                yield Piece(answer=self._told(answer))
                return
            if begun:
                break
            if not queue and (again := self._patient(request)) is not None:
                queue.append(again)
                patience = self._left()
        raise self._given_up()

    async def _first(self, request: ModelRequest) -> ModelAnswer | None:
        """Ask each model once, the next one when one fails, or takes longer than `hedge`; return the first answer."""
        queue, running = deque(self.trials), set[asyncio.Task[Done]]()
        try:
            while queue or running:
                if queue:
                    trial = queue.popleft()
                    within = self._share(len(queue), trial)
                    running.add(asyncio.create_task(trial.complete(request, within=within, patience=0)))
                hedge = self.hedge if queue else None
                ended, running = await asyncio.wait(running, timeout=hedge, return_when=asyncio.FIRST_COMPLETED)
                answers = [answer for task in ended if (answer := self.noted(task.result()))]
                if answers:
                    return answers[0]
            return None
        finally:
            for task in running:
                task.cancel()
            for done in await asyncio.gather(*running, return_exceptions=True):
                if isinstance(done, Done):  # it came in the same moment
                    self.noted(done)

    def _share(self, below: int, trial: Trial) -> float:
        """Return the seconds that a model has: those below it need some, too."""
        own = trial.model.config.within
        share = self._left() / (below + 1)
        return share if own is None else min(share, own)

    def _patient(self, request: ModelRequest) -> Trial | None:
        """Return the model whose provider may be asked again first, where that is in time."""
        del request
        asked = Counter(attempt.model for attempt in self.tried if attempt.took_ms or attempt.usage.total)
        again = [each for each in self._waits() if asked[each[2].model.name] < MOST]
        if not again:
            return None
        wait, _, trial = min(again, key=lambda each: each[:2])
        return trial if wait < self._left() else None

    def _waits(self) -> Iterator[tuple[float, int, Trial]]:
        """Yield in how many seconds each model may be asked again whose provider said so, or may have had enough."""
        for trial in self.trials:
            if (wait := self._retry.get(trial.model.name)) is not None:
                yield max(trial.model.pace.closed, wait), trial.rung, trial

    def _left(self) -> float:
        return max(0.0, self.remaining() - MARGIN)

    def noted(self, done: Done) -> ModelAnswer | None:
        """Take note of what came of an attempt; return its answer."""
        self.tried.append(done.attempt)
        name = done.model.name
        self._retry.pop(name, None)
        if done.attempt.outcome in AGAIN and (done.retry_after is not None or done.attempt.outcome != "budget"):
            self._retry[name] = done.retry_after or 0.0
        return done.answer

    def told(self) -> Iterator[tuple[str, bool]]:
        """Iterate over what came of each attempt, in words, and whether it was an answer.

        What a provider wrote is not in it: that may quote a request, and is where answers are.
        """
        for it in self.tried:
            why = it.why.partition(": ")[0]
            took = f"{it.usage.total} tokens, {it.cost / 1_000_000:f} USD, {it.took_ms:.0f} ms"
            yield f"rung {it.rung} {it.model}: {it.outcome}{why and f', {why}'}; {took}", it.outcome == "ok"

    def _told(self, answer: ModelAnswer) -> ModelAnswer:
        return replace(answer, tried=tuple(self.tried), cost=sum(attempt.cost for attempt in self.tried))

    def _given_up(self) -> CallError:
        last = {attempt.model: attempt for attempt in self.tried}
        why = "; ".join(f"{it.model} ({it.rung}): {it.outcome}: {it.why}" for it in last.values())
        if any(it.outcome in ("refused", "broken", "drifted", "lost", "overloaded") for it in last.values()):
            return Failed(f"no model answered: {why}")
        if any(it.outcome in ("budget", "worth") for it in last.values()):
            return Limited(f"no model may answer: {why}")
        if waits := [wait for wait, *_ in self._waits()]:
            return Limited(f"no model answered: {why}", retry_after=min(waits))
        return DeadlineExceeded(f"no model answered: {why}")


def _said(answer: ModelAnswer) -> bytes:
    """Return what an answer comes to, whatever its spaces, its case and the order of its fields."""
    calls = [(call.name, call.arguments) for call in answer.calls]
    try:
        said = msgspec.json.decode(answer.text)
    except (msgspec.DecodeError, RecursionError):
        said = " ".join(answer.text.casefold().split())
    return msgspec.json.encode((said, calls), order="sorted")
