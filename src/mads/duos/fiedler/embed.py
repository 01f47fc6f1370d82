"""Vectors of texts, by the first model of the rule that makes them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from mads.author.ledger import Ledger
from mads.duos.fiedler.count import BYTES_A_TOKEN, OVERHEAD, believable
from mads.duos.fiedler.house import Model
from mads.duos.fiedler.port import Embedded, Trouble
from mads.duos.fiedler.trial import reserved
from mads.wire.errors import Denied, Failed
from mads.wire.ledger import Amount
from mads.wire.model import Usage, Vectors


async def embedded(models: Sequence[Model], texts: Sequence[str], within: float, ledger: Ledger) -> Vectors:
    """Return a vector for each text; raise `Failed` that says what each model came to where none made them."""
    reasons: list[str] = []
    for below, model in reversed([*enumerate(reversed(models))]):
        try:
            return await _by(model, texts, ledger, within=within / (below + 1), patience=0 if below else within)
        except Trouble as trouble:
            reasons.append(f"{model.name}: {trouble.outcome}: {trouble}")
    raise Failed(f"no model made vectors: {'; '.join(reasons)}")


async def _by(model: Model, texts: Sequence[str], ledger: Ledger, *, within: float, patience: float) -> Vectors:
    rates = await model.rates()
    bound = Usage(sum(len(text.encode()) + OVERHEAD for text in texts))
    sent = await model.pace.admit(bound.total, within=patience)
    took, calls = Usage(), 1
    try:
        most = Amount(rates.cost(bound), bound, ms=round(within * 1000))
        reservation = await reserved(ledger, model, most, within=patience)
        began, took = time.monotonic(), bound
        try:
            found = await _asked(model, texts, within)
            took = _used(found, texts)
        except Trouble as trouble:
            took = Usage() if trouble.outcome in ("limited", "overloaded", "refused") else bound
            raise
        except Denied:
            took, calls = Usage(), 0
            raise
        finally:
            ms = round((time.monotonic() - began) * 1000)
            await ledger.commit(reservation, Amount(rates.cost(took), took, calls, ms))
    finally:
        model.pace.settle(sent, took.total)
    return Vectors(found.vectors, model.name, model.config.id, took, rates.cost(took))


async def _asked(model: Model, texts: Sequence[str], within: float) -> Embedded:
    try:
        async with asyncio.timeout(within):
            found = await model.provider.embed(model.config.id, texts)
    except TimeoutError:
        raise Trouble("late", f"{model.name} did not answer in time") from None
    except Trouble as trouble:
        if trouble.outcome in ("limited", "overloaded", "lost"):
            model.pace.close(trouble.retry_after)
        raise
    model.pace.well()
    return found


def _used(found: Embedded, texts: Sequence[str]) -> Usage:
    """Return the larger of what the provider reports and our own count."""
    own = -(-sum(len(text.encode()) for text in texts) // int(BYTES_A_TOKEN))
    return Usage(max(own, believable(found.usage).total if found.usage else 0))
