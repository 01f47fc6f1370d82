"""The MAD: each request falls under a policy, keeps to its provider's limits, and its answer says what it cost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import field
from pathlib import Path
from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from mads import Emit, Kept, Log, Turn, mad, message, tool
from mads.author.ledger import Ledger
from mads.duos.fiedler.cache import Cache
from mads.duos.fiedler.config import Policy, Providers, Rule
from mads.duos.fiedler.decide import choice_of, question_of
from mads.duos.fiedler.drift import Drift, Known
from mads.duos.fiedler.embed import embedded
from mads.duos.fiedler.house import House, Model, house
from mads.duos.fiedler.ladder import Ladder
from mads.duos.fiedler.memory import Memory
from mads.duos.fiedler.policy import Chooser
from mads.duos.fiedler.port import Trouble
from mads.duos.fiedler.prices import Rates
from mads.duos.fiedler.shelf import SHELF
from mads.duos.fiedler.trial import Trial
from mads.duos.fiedler.worth import Worths
from mads.wire.errors import CallError, Denied, InvalidMessage
from mads.wire.model import Choice, ModelAnswer, ModelInfo, ModelMessage, ModelRequest, Piece, Vectors

__all__ = ["Escalated", "Fiedler", "Streamed", "house"]

INSIDE = ("personal", "secret")
"""Labels of what stays on this machine, unless the configuration says otherwise."""


@message(name="fiedler.Streamed")
class Streamed:
    """The whole of an answer that went out in pieces, so that it is on record in one."""

    answer: ModelAnswer


@message(name="fiedler.Escalated")
class Escalated:
    """`model`, rung number `rung`, answered for `cost` millionths of a dollar what those above it did not, and why."""

    model: str
    rung: int
    cost: int
    why: tuple[str, ...]


@mad
class Fiedler:
    """You are the way to every model: you choose one that may answer, and say what it said and what it cost."""

    house: House
    turn: Turn
    emit: Emit
    log: Log
    ledger: Ledger
    known: Kept[Known]
    providers: Providers
    policy: Policy = field(default_factory=list[Rule])
    inside: tuple[str, ...] = INSIDE
    shelf: str = str(SHELF)

    def __post_init__(self) -> None:
        """Refuse a configuration by which no request could be answered, at start rather than at the first one."""
        self.house.furnish(self.providers, Path(self.shelf))
        self._chooser = Chooser(self.house, self.policy, self.inside)
        self._drift = Drift(self.known, self.emit, self.log, self.turn)
        self._cache = Cache()
        self._worths = Worths()
        self._memory = Memory(self.house, self.ledger)

    @tool
    async def complete(self, request: ModelRequest) -> ModelAnswer:
        """Return the answer of a model that may answer; what it cost is the caller's to pay."""
        rule, models = self._chosen(request)
        key = self._cache.key(request, self.turn.tenant, models)
        if rule.cache and (before := self._cache.get(key, rule.cache)):
            self.turn.decided(f"from the cache, as {before.model} answered before")
            return before
        await self._memory.recall()
        ladder = self._ladder(rule, models)
        try:
            answer = await (ladder.vote(request) if rule.verdict else ladder.climb(request))
        except Denied:
            raise  # what may not be asked is for whoever runs the system to put right, and no rung hides it
        except CallError:
            last = self._cache.get(key, None) if rule.stale else None
            if last is None and not rule.degraded:
                raise
            self.turn.decided("the last rung: " + ("an older answer" if last else "what the policy says"))
            last = last or ModelAnswer(text=rule.degraded, finish="degraded", prompt=request.prompt)
            return replace(last, degraded=True, tried=tuple(ladder.tried))
        finally:
            await self._account(ladder)
        if rule.cache or rule.stale:
            self._cache.put(key, answer)
        return answer

    @tool
    async def stream(self, request: ModelRequest) -> AsyncIterator[Piece]:
        """Yield an answer as it comes, and last the whole of it."""
        rule, models = self._chosen(request)
        await self._memory.recall()
        ladder = self._ladder(rule, models)
        try:
            async with aclosing(ladder.stream(request)) as pieces:
                async for piece in pieces:
                    if piece.answer is not None:
                        await self.emit(Streamed(piece.answer))
                    yield piece
        finally:
            await self._account(ladder)

    @tool
    async def decide(  # noqa: PLR0917  the arguments of a call go by name
        self,
        question: str,
        options: Annotated[list[str], Meta(min_length=1, max_length=200)],
        material: Sequence[str] = (),
        model: str = "",
        task: str = "decide",
        labels: Sequence[str] = (),
    ) -> Choice:
        """Return which option fits the material, or that none does for sure."""
        request = replace(question_of(question, options, material), model=model, task=task, labels=tuple(labels))
        rule, models = self._chosen(request)
        return choice_of(await self.complete(request), options, len(models) if rule.verdict else 1)

    @tool
    async def embed(
        self,
        texts: Annotated[list[str], Meta(min_length=1, max_length=2048)],
        model: str = "",
        task: str = "embed",
        labels: Sequence[str] = (),
    ) -> Vectors:
        """Return a vector for each text."""
        asked = tuple(ModelMessage("user", text) for text in texts)
        _, models = self._chosen(ModelRequest(asked, model=model, task=task, labels=tuple(labels)))
        await self._memory.recall()
        vectors = await embedded(models, texts, self.turn.remaining, self.ledger)
        self.turn.charge(vectors.cost)
        return vectors

    @tool(read_only=True)
    async def models(self) -> list[ModelInfo]:
        """Return every model, what is used of its provider's limits, and who answers under its id."""
        await self._memory.recall()
        return [await self._info(model) for model in self.house.models.values()]

    @tool(destructive=True)
    async def accept(self, model: str) -> str:
        """Take whoever answers next under the id of a model for the right one; return who that was until now."""
        return await self._drift.accept(self.house.model(model))

    def _chosen(self, request: ModelRequest) -> tuple[Rule, Sequence[Model]]:
        if not request.messages:
            raise InvalidMessage('a request has at least one message: { role = "user", text = "…" }')
        labels = (*request.labels, *self.turn.labels)  # who asks cannot leave out what the call carries
        return self._chooser.chosen(replace(request, labels=labels), self.turn.tenant)

    def _ladder(self, rule: Rule, models: Sequence[Model]) -> Ladder:
        worth = self._worths.of(self.turn.traceparent.split("-")[1], self.turn.worth)
        ladder, judge = Ladder(lambda: self.turn.remaining, rule.hedge), self._drift.judge
        ladder.trials = [
            Trial(rung, it, judge, self.ledger, ladder.noted, worth, models) for rung, it in enumerate(models, 1)
        ]
        return ladder

    async def _account(self, ladder: Ladder) -> None:
        """Charge what the attempts cost, say in the trace what came of each, and tell who did not answer first."""
        self.turn.charge(sum(attempt.cost for attempt in ladder.tried))
        for rule, allowed in ladder.told():
            self.turn.decided(rule, allowed=allowed)
        answered = min((it for it in ladder.tried if it.outcome == "ok"), key=lambda it: it.rung, default=None)
        if answered and answered.rung > 1:
            above = (it for it in ladder.tried if it.rung < answered.rung)
            why = tuple(f"{it.model}: {it.outcome}" for it in above)
            await self.emit(Escalated(answered.model, answered.rung, answered.cost, why))

    async def _info(self, model: Model) -> ModelInfo:
        requests, tokens = model.pace.used()
        rates: Rates | None = None
        with suppress(Trouble):  # nobody knows what it costs
            rates = await model.rates()
        return ModelInfo(
            name=model.name,
            provider=model.behind,
            id=model.config.id,
            place=model.place,
            input_price=rates.input if rates else None,
            output_price=rates.output if rates else None,
            priced=rates.source if rates else "",
            requests=requests,
            requests_limit=model.pace.requests,
            tokens=tokens,
            tokens_limit=model.pace.tokens,
            waiting=model.pace.waiting,
            closed=round(model.pace.closed, 3),
            answered=await self._drift.answering(model),
        )
