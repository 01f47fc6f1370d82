"""A provider's bill, brought to the book: what was open is settled so that the book comes to what was charged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from itertools import accumulate

from msgspec.structs import replace

from mads.guard.budget.accounts import Accounts
from mads.guard.budget.cap import MICRO, said
from mads.store.ledger.port import Bookings, Line, State, Whose
from mads.wire.errors import InvalidMessage
from mads.wire.ledger import NOTHING, Amount, Bill, Reconciled
from mads.wire.model import Usage


async def reconcile(bill: Bill, tenant: str | None, accounts: Accounts, bookings: Bookings) -> Reconciled:
    """Settle what is open in the time of `bill`; raise `InvalidMessage` where that cannot come to it.

    What is still running counts for nothing. A bill that was brought half-way is brought to its end by the same again.
    """
    whose = Whose(
        by="model" if bill.model else "system",
        since_us=round(bill.since * MICRO),
        until_us=round(bill.until * MICRO),
        tenant=tenant,
        name=bill.model or None,
    )
    # first what nobody disputes: what a running request comes to meanwhile is in neither, as if it ran on
    kept = sum(each.spent.micro_usd - each.disputed.micro_usd for each in await bookings.sums(whose))
    lines = [line async for line in _open(bookings, whose)]
    running = [line for line in lines if accounts.running(line.id)]
    settling = [line for line in lines if not accounts.running(line.id)]
    counted = sum(line.amount.micro_usd for line in settling)
    rest = bill.micro_usd - kept
    if rest < 0 or (rest > 0 and not settling):
        raise InvalidMessage(_unlike(bill, kept))
    made = [_made(line, part) for line, part in zip(settling, _divided(rest, settling), strict=True)]
    settled = zip(settling, made, strict=True)
    await asyncio.gather(*(accounts.settle(line.id, None, _state(amount), amount) for line, amount in settled))
    ledger = sum(each.spent.micro_usd for each in await bookings.sums(whose))
    return Reconciled(lines=len(settling), counted=counted, settled=rest, ledger=ledger, running=len(running))


def _state(amount: Amount) -> State:
    return "released" if amount == NOTHING else "spent"


def shared(total: int, weights: Sequence[int]) -> list[int]:
    """Return `total` in parts as large as the `weights` are beside each other; all the same where those are nothing."""
    weights = weights if any(weights) else [1] * len(weights)
    ends = [total * upto // sum(weights) for upto in accumulate(weights)]
    return [end - begin for begin, end in zip([0, *ends], ends, strict=False)]


def _divided(total: int, lines: Sequence[Line]) -> list[int]:
    """Return what each line comes to: what the provider reported of it, and of the rest by how much may be missing."""
    reported = [line.reported.micro_usd if line.reported else 0 for line in lines]
    missing = total - sum(reported)
    if missing < 0:
        return shared(total, reported)
    room = [max(0, line.amount.micro_usd - said) for line, said in zip(lines, reported, strict=True)]
    return [sum(both) for both in zip(reported, shared(missing, room), strict=True)]


def _made(line: Line, micro_usd: int) -> Amount:
    """Return what a line comes to for so much money: its tokens in proportion, and its call, whatever that cost."""
    amount = line.amount
    if not amount.micro_usd:  # of what costs nothing a bill says nothing
        return replace(amount, micro_usd=micro_usd)
    if not micro_usd and line.reported is None:
        return replace(NOTHING, calls=amount.calls)
    kinds = (getattr(amount.usage, kind) * micro_usd // amount.micro_usd for kind in Usage.__struct_fields__)
    return replace(amount, micro_usd=micro_usd, usage=Usage(*kinds))


def _unlike(bill: Bill, kept: int) -> str:
    charged, known = said(bill.micro_usd, "USD"), said(kept, "USD")
    if bill.micro_usd < kept:
        return f"what nobody disputes comes to {known}, more than {charged}: is the bill of the same time and model?"
    return f"nothing is open, and the book has {known}, not {charged}: does somebody else use that key?"


async def _open(bookings: Bookings, whose: Whose) -> AsyncGenerator[Line]:
    """Yield the open lines that count towards a sum."""
    after = 0
    while page := await bookings.lines(of="open", after=after):
        for line in page:
            is_theirs = whose.tenant in (None, line.tenant) and whose.name in (None, line.what)
            if is_theirs and whose.since_us <= line.at_us < whose.until_us:
                yield line
        after = page[-1].id
