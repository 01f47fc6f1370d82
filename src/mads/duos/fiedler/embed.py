"""Vectors of texts, by the first model of the rule that makes them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from mads.duos.fiedler.count import BYTES_A_TOKEN, OVERHEAD
from mads.duos.fiedler.house import Model
from mads.duos.fiedler.port import Trouble
from mads.wire.errors import Failed
from mads.wire.model import Usage, Vectors


async def embedded(models: Sequence[Model], texts: Sequence[str], within: float) -> Vectors:
    """Return a vector for each text; raise `Failed` that says what each model came to where none made them."""
    reasons: list[str] = []
    for below, model in reversed([*enumerate(reversed(models))]):
        try:
            return await _by(model, texts, within / (below + 1), patience=0 if below else within)
        except Trouble as trouble:
            reasons.append(f"{model.name}: {trouble.outcome}: {trouble}")
    raise Failed(f"no model made vectors: {'; '.join(reasons)}")


async def _by(model: Model, texts: Sequence[str], within: float, patience: float) -> Vectors:
    bound = sum(len(text.encode()) + OVERHEAD for text in texts)
    rates = await model.rates()
    sent = await model.pace.admit(bound, within=patience)
    took = bound
    try:
        async with asyncio.timeout(within):
            found = await model.provider.embed(model.config.id, texts)
        own = -(-sum(len(text.encode()) for text in texts) // int(BYTES_A_TOKEN))
        took = max(own, found.usage.total if found.usage else 0)
        model.pace.well()
    except TimeoutError:
        raise Trouble("late", f"{model.name} did not answer in time") from None
    except Trouble as trouble:
        if trouble.outcome in ("limited", "overloaded", "lost"):
            model.pace.close(trouble.retry_after)
        took = 0 if trouble.outcome in ("limited", "overloaded", "refused") else bound
        raise
    finally:
        model.pace.settle(sent, took)
    usage = Usage(input=took)
    return Vectors(found.vectors, model.name, model.config.id, usage, rates.cost(usage))
