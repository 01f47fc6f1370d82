"""Vectors of texts, by the first model of the rule that makes them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from mads.author.ledger import Ledger
from mads.duos.fiedler.count import BYTES_A_TOKEN, OVERHEAD, believable
from mads.duos.fiedler.house import Model
from mads.duos.fiedler.port import Embedded, Trouble
from mads.duos.fiedler.prices import Rates
from mads.duos.fiedler.trial import NOTHING_LEFT, REFUSED, reserved
from mads.wire.errors import Denied, Failed
from mads.wire.ledger import Amount, Reported
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
    most = Amount(rates.cost(bound), bound, ms=round(within * 1000))
    sent = await model.pace.admit(bound.total, within=patience)
    try:
        reservation = await reserved(ledger, model, most, within=patience)
    except BaseException:
        model.pace.withdraw(sent)
        raise
    model.pace.leaves(sent)
    began, took = time.monotonic(), bound
    try:
        try:
            found = await _asked(model, texts, within)
        except BaseException as error:
            took = bound if await _is_in_doubt(error, ledger, reservation) else Usage()
            raise
        took, reported = _used(found, texts, rates)
        ms = round((time.monotonic() - began) * 1000)
        await ledger.commit(reservation, Amount(rates.cost(took), took, ms=ms), reported)
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


async def _is_in_doubt(error: BaseException, ledger: Ledger, reservation: int) -> bool:
    """Write down what came of a request that failed; return whether nobody knows that."""
    outcome = error.outcome if isinstance(error, Trouble) else ""
    if isinstance(error, Denied) or outcome in NOTHING_LEFT:
        await ledger.release(reservation)
    elif outcome in REFUSED:
        await ledger.commit(reservation, Amount())
    else:
        await ledger.doubt(reservation)
        return True
    return False


def _used(found: Embedded, texts: Sequence[str], rates: Rates) -> tuple[Usage, Reported | None]:
    """Return the larger of what the provider reports and our own count, and what it reports where that is not it."""
    own = -(-sum(len(text.encode()) for text in texts) // int(BYTES_A_TOKEN))
    reported = believable(found.usage or Usage())
    taken = Usage(max(own, reported.total))
    return taken, None if taken == reported else Reported(rates.cost(reported), reported.total)
