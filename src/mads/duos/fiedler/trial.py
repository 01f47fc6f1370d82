"""One attempt at one model: let go by the pace of its provider, bounded in time, counted, and its price known."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from msgspec.structs import replace

from mads.author.ledger import Ledger
from mads.duos.fiedler.count import at_most, believable, counted, larger
from mads.duos.fiedler.house import Model
from mads.duos.fiedler.pace import Sent
from mads.duos.fiedler.port import Answered, Trouble
from mads.duos.fiedler.prices import Rates
from mads.duos.fiedler.worth import Worth
from mads.wire import codec
from mads.wire.errors import Denied, InvalidMessage, Limited
from mads.wire.ledger import NOTHING, Amount, Reported
from mads.wire.model import Attempt, ModelAnswer, ModelRequest, Usage

Judge = Callable[[Model, Answered], Awaitable[tuple[str, ...]]]
"""Returns what is odd about who answered; raises `Trouble` where that answer must not be used."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an attempt: an answer, or why there is none; after `retry_after` seconds there may be."""

    attempt: Attempt
    model: Model
    answer: ModelAnswer | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """Makes attempts at `model` as rung number `rung`; `judge` looks at who answers, `ledger` keeps the book.

    What came of an attempt for which nobody waits any more is heard by `left`; `worth` weighs what it may cost.
    `others` are the models that might have answered.
    """

    rung: int
    model: Model
    judge: Judge
    ledger: Ledger
    left: Callable[[Done], object]
    worth: Worth
    others: Sequence[Model]

    async def complete(self, request: ModelRequest, *, within: float, patience: float) -> Done:
        """Make one attempt that ends `within` seconds, up to `patience` of which it may wait until it may begin."""
        opened = _Opened(self, request, within, patience)
        try:
            async with opened:
                asked = await opened.begin()
                await opened.take(await self.model.provider.complete(self.model.config.id, asked))
        except asyncio.CancelledError:
            self.left(opened.done())
            raise
        return opened.done()

    async def stream(self, request: ModelRequest, *, within: float, patience: float) -> AsyncGenerator[str | Done]:
        """Yield the text of one attempt as it comes, and last what came of it."""
        opened = _Opened(self, request, within, patience)
        try:
            async with opened:
                asked = await opened.begin()
                async with aclosing(self.model.provider.stream(self.model.config.id, asked)) as arriving:
                    async for item in arriving:
                        if isinstance(item, str):
                            opened.arrived += item
                            yield item
                        else:
                            await opened.take(item)
        except (asyncio.CancelledError, GeneratorExit):
            self.left(opened.done())
            raise
        yield opened.done()


async def reserved(ledger: Ledger, model: Model, most: Amount, *, within: float) -> int:
    """Reserve what an attempt at `model` may take at most; raise `Trouble` where nobody may pay for that."""
    try:
        return await ledger.reserve(model.name, most, within=max(0.0, within))
    except Limited as error:
        raise Trouble("budget", str(error), retry_after=error.retry_after) from error


NOTHING_LEFT = ("lost", "budget", "worth")
REFUSED = ("limited", "overloaded", "refused")
"""How an attempt ends for which nothing is charged: nothing left for the provider, or it said that it would not."""


class _Opened:
    """An attempt while it lasts; leaving the block ends it, whatever came of it. `arrived` is the text of a stream."""

    def __init__(self, trial: Trial, request: ModelRequest, within: float, patience: float) -> None:
        self._trial, self._model = trial, trial.model
        self._within, self._patience = max(0.0, within), min(patience, within)
        self._timeout = asyncio.timeout(self._within)
        config = self._model.config
        self._request = replace(
            request,
            temperature=config.temperature if request.temperature is None else request.temperature,
            seed=config.seed if request.seed is None else request.seed,
        )
        self._bound = at_most(self._request)
        self._sent: Sent | None = None
        self._reservation: int | None = None
        self._rates: Rates | None = None
        self._usage: Usage | None = None
        self._reported: Reported | None = None
        self._answer: ModelAnswer | None = None
        self.arrived = ""
        self._trouble: Trouble | None = None
        self._kept_back = False
        self._held = 0
        self._began = time.monotonic()

    async def begin(self) -> ModelRequest:
        """Return the request as it is to be sent, once it may be."""
        self._rates = await self._model.rates()
        most = Amount(self._rates.cost(self._bound), self._bound, ms=round(self._within * 1000))
        self._trial.worth.hold(most.micro_usd)
        self._held = most.micro_usd
        self._sent = await self._model.pace.admit(self._bound.total, within=self._patience)
        patience = self._patience - (time.monotonic() - self._began)
        self._reservation = await reserved(self._trial.ledger, self._model, most, within=patience)
        self._model.pace.leaves(self._sent)
        self._began = time.monotonic()
        return self._request

    async def take(self, answered: Answered) -> None:
        """Take what came back."""
        assert self._rates is not None
        model, request = self._model, self._request
        model.pace.well()
        usage, disputed, flags = larger(answered.usage, counted(request, answered))
        self._usage = usage
        if disputed:
            reported = believable(answered.usage or Usage())
            self._reported = Reported(self._rates.cost(reported), reported.total)
        _check(answered)
        self._answer = ModelAnswer(
            text=answered.text,
            calls=answered.calls,
            finish=answered.finish,
            model=model.name,
            id=model.config.id,
            answered=answered.model,
            usage=usage,
            cost=self._rates.cost(usage),
            rung=self._trial.rung,
            flags=flags,
            temperature=request.temperature,
            seed=request.seed,
            prompt=request.prompt,
        )
        odd = await self._trial.judge(model, answered)
        self._answer = replace(self._answer, flags=(*flags, *odd))

    def done(self) -> Done:
        """Return what came of it."""
        trouble, answer = self._trouble, self._answer
        usage = self._used()
        attempt = Attempt(
            rung=self._trial.rung,
            model=self._model.name,
            outcome="ok" if trouble is None else trouble.outcome,
            why="" if trouble is None else str(trouble)[:500],
            took_ms=round((time.monotonic() - self._began) * 1000, 3),
            usage=usage,
            cost=self._rates.cost(usage) if self._rates else 0,
        )
        after = None if trouble is None else trouble.retry_after
        return Done(attempt, self._model, answer if trouble is None else None, after)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        try:
            await self._timeout.__aexit__(type_, error, traceback)
        except TimeoutError:
            error = Trouble("late", f"{self._model.name} did not answer in time")
        self._kept_back = isinstance(error, Denied)
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            self._trouble = Trouble("cancelled", "nobody waits for its answer any more")
        if isinstance(error, Trouble):
            self._trouble = error
            self._heed(error)
        if self._sent is not None and self._reservation is None:
            self._model.pace.withdraw(self._sent)
        elif self._sent is not None:
            self._model.pace.settle(self._sent, self._used().total)
        if self._held and self._rates is not None:
            self._trial.worth.settle(self._held, self._rates.cost(self._used()))
        if self._reservation is not None and self._rates is not None:
            await self._book(self._reservation, self._rates)
        return isinstance(error, Trouble)

    async def _book(self, reservation: int, rates: Rates) -> None:
        """Write down what came of it; what nobody knows stands until it is reconciled with the provider's bill."""
        ledger, ms = self._trial.ledger, round((time.monotonic() - self._began) * 1000)
        if self._usage is not None:
            amount = Amount(rates.cost(self._usage), self._usage, ms=ms)
            if self._trouble is None:
                saved = max(0, await self._dearest(self._usage) - amount.micro_usd)
                amount = replace(amount, saved_usd=saved, escalated=int(self._trial.rung > 1))
            await ledger.commit(reservation, amount, self._reported)
        elif self._kept_back or self._ended(*NOTHING_LEFT):
            await ledger.release(reservation)
        elif self._ended(*REFUSED) and not self.arrived:
            await ledger.commit(reservation, Amount(ms=ms))
        else:
            came = counted(self._request, Answered(self.arrived))
            await ledger.doubt(reservation, Amount(rates.cost(came), came, ms=ms) if self.arrived else NOTHING)

    async def _dearest(self, usage: Usage) -> int:
        """Return what so many tokens would have cost at most of the models that have a price."""
        cost = 0
        for model in self._trial.others:
            with suppress(Trouble):
                cost = max(cost, (await model.rates()).cost(usage))
        return cost

    def _ended(self, *outcomes: str) -> bool:
        return self._trouble is not None and self._trouble.outcome in outcomes

    def _heed(self, trouble: Trouble) -> None:
        """Leave a provider alone that said so, or that is not well."""
        if self._sent is not None and trouble.outcome in ("limited", "overloaded", "lost"):
            self._model.pace.close(trouble.retry_after)

    def _used(self) -> Usage:
        """Return what it took: nothing where nothing was sent or it was refused, all that it may where nobody knows."""
        if self._usage is not None:
            return self._usage
        refused = self._ended(*NOTHING_LEFT, *REFUSED) and not self.arrived
        return Usage() if self._reservation is None or refused or self._kept_back else self._bound


def _check(answered: Answered) -> None:
    """Raise `Trouble` where a model wishes for what nobody can call, or for more than may travel."""
    try:
        codec.decode(codec.encode(answered.calls), Any)
    except InvalidMessage as error:
        raise Trouble("broken", f"a wish for a tool cannot travel: {error}") from None
    if not all(call.name for call in answered.calls):
        raise Trouble("broken", "the model wishes for a tool without a name")
