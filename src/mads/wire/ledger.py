"""What is spent, and by whom: money, tokens, calls and time, in whole numbers."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mads.wire.model import Usage

Whole = Annotated[int, Meta(ge=0, le=10**15)]

Level = Literal["system", "tenant", "mad", "conversation", "call"]
"""Whose spending may have a cap: everything, a tenant's, that of a MAD and of whom it calls, a conversation's, or that
of one call from outside and of all that it causes."""

Unit = Literal["USD", "tokens", "calls", "s"]
"""What is counted: money in millionths of a dollar, tokens of all kinds, requests that left, time in milliseconds."""

By = Literal["system", "tenant", "mad", "conversation", "call", "payer", "model"]
"""What spending is summed by: a level, the MAD or principal that asked for it, or what it was spent on."""


class Amount(Struct, frozen=True, forbid_unknown_fields=True):
    """So much money, in millionths of a dollar, so many tokens of each kind, requests that left, and milliseconds.

    `saved_usd` is by how much the dearest model that might have answered would have cost more, `escalated` how many
    answers came from a model that was not the first to be asked.
    """

    micro_usd: Whole = 0
    usage: Usage = Usage()
    calls: Whole = 1
    ms: Whole = 0
    saved_usd: Whole = 0
    escalated: Whole = 0


NOTHING = Amount(calls=0)
"""What was released came to."""


class Reported(Struct, frozen=True, forbid_unknown_fields=True):
    """What a provider reports of what we count otherwise: in millionths of a dollar, and in tokens of all kinds."""

    micro_usd: Whole = 0
    tokens: Whole = 0


class Sum(Struct, frozen=True, kw_only=True):
    """What `name` of `tenant` has spent, and what is reserved beside that; the tenant is empty where there are many.

    `disputed` is that part of what is spent of which the provider reports something else.
    """

    name: str
    tenant: str
    spent: Amount
    reserved: Amount
    disputed: Amount = NOTHING


class CapUse(Struct, frozen=True, kw_only=True):
    """What is used of a cap by one of those it is for: `name` of `tenant`, empty where all share it.

    `spent`, `reserved` and `most` are in what the unit counts: millionths of a dollar, tokens, calls, milliseconds; so
    is `disputed`, the part of what is spent of which the provider reports something else.
    `ends` is when the window does (ISO 8601, UTC); `at_end` what will be spent by then if it goes on as until now.
    """

    cap: str
    name: str
    tenant: str
    unit: Unit
    most: int
    spent: int
    reserved: int
    disputed: int = 0
    ends: str | None = None
    at_end: int | None = None


Stands = Literal["running", "unknown", "disputed"]
"""Why a line is open: what is paid for is still on its way; nobody knows what came of it; or it is spent, and the
provider reports something else."""


class Reservation(Struct, frozen=True, kw_only=True):
    """A line that is open since `at` (ISO 8601, UTC): by which MAD, for whom, for what, and how much is counted for it.

    `most` is what it may take, or what is spent where it is disputed; `reported` is what the provider says then.
    """

    id: int
    at: str
    holder: str
    payer: str
    tenant: str
    conversation: str
    what: str
    most: Amount
    stands: Stands
    reported: Reported | None = None


class Bill(Struct, frozen=True, forbid_unknown_fields=True):
    """What a provider charged, in millionths of a dollar, for what was asked of `model` (empty: of all of them).

    From `since` until before `until`, in seconds since 1970.
    """

    micro_usd: Whole
    model: str = ""
    since: float = 0.0
    until: float = 4e9


class Reconciled(Struct, frozen=True, kw_only=True):
    """What came of a bill: so many `lines` that were open are settled, with `settled` where `counted` were counted.

    In millionths of a dollar, as `ledger`, which is what is spent now in the time and on the model of the bill. So many
    more are `running`, and are counted nowhere in this.
    """

    lines: int
    counted: int
    settled: int
    ledger: int
    running: int


class Recent(Struct, frozen=True, forbid_unknown_fields=True):
    """What was reserved for `what` so many seconds ago: at most so much, or what it came to."""

    what: str
    age: float
    amount: Amount
