"""What is spent, as whoever asks may see it, and the settling by hand of what nobody settled."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from mads.guard.budget.accounts import Accounts
from mads.guard.budget.cap import MICRO, Cap
from mads.guard.principals import theirs
from mads.host.reconciling import reconcile
from mads.store.ledger.port import Bookings, Line, State, Whose
from mads.wire.errors import InvalidMessage
from mads.wire.ledger import NOTHING, Amount, Bill, By, CapUse, Reconciled, Reservation, Stands, Sum

SHOWN = 100
"""How many of those that a cap is for are shown, those first that spend most."""


class Spending:
    """Reads `bookings`, and settles through `accounts`."""

    def __init__(self, accounts: Accounts, bookings: Bookings) -> None:
        self._accounts, self._bookings = accounts, bookings

    async def caps(self) -> Sequence[CapUse]:
        """Return what is used of each cap in its present window."""
        tenant, now = theirs(), time.time()
        caps = [cap for cap in self._accounts.caps if _is_for(cap, tenant)]
        return [use for cap in caps for use in await self._uses(cap, tenant, now)]

    async def cost(self, by: By, since: float) -> Sequence[Sum]:
        """Return what was spent from `since` on, in seconds since 1970, and is reserved."""
        return await self._bookings.sums(Whose(by=by, since_us=round(since * MICRO), tenant=theirs()))

    async def reservations(self, after: int) -> Sequence[Reservation]:
        """Return the first that are open after the id `after`."""
        tenant = theirs()
        found = await self._bookings.lines(of="open", after=after)
        return [self._reservation(line) for line in found if tenant in (None, line.tenant)]

    async def settle(self, reservation: int, spent: Amount | None) -> None:
        """Settle one by hand: it came to `spent`, in the calls and the time that are on record of it, or to nothing."""
        if self._accounts.running(reservation):
            raise InvalidMessage(f"what {reservation} is for is still running; it settles itself, or is in doubt soon")
        there = await self._bookings.lines(of="open", after=reservation - 1, limit=1)
        known = [line.amount for line in there if line.id == reservation]
        amounts = [NOTHING if spent is None else replace(spent, calls=each.calls, ms=each.ms) for each in known]
        state: State = "released" if spent is None else "spent"
        if not amounts or not await self._accounts.settle(reservation, None, state, amounts[0]):
            raise InvalidMessage(f"there is no open reservation {reservation}; see: mads budget open")

    async def reconcile(self, bill: Bill) -> Reconciled:
        """Settle what is open in the time of a bill so that all of it together comes to the bill."""
        return await reconcile(bill, theirs(), self._accounts, self._bookings)

    async def _uses(self, cap: Cap, tenant: str | None, now: float) -> Sequence[CapUse]:
        window = cap.window(round(now * MICRO))
        since, until = round(window.begins * MICRO), round(window.ends * MICRO)
        whose = Whose(by=cap.level, since_us=since, until_us=until, tenant=tenant, name=cap.name or None)
        sums = [each for each in await self._bookings.sums(whose, SHOWN) if each.name not in cap.but]
        if not sums and (cap.name or cap.level == "system"):
            sums = [Sum(name=cap.name, tenant="", spent=NOTHING, reserved=NOTHING)]
        return [_use(cap, each, now) for each in sums]

    def _reservation(self, line: Line) -> Reservation:
        stands: Stands = "running" if self._accounts.running(line.id) else "unknown"
        return Reservation(
            id=line.id,
            at=_iso(line.at_us / MICRO),
            holder=line.holder,
            payer=line.payer,
            tenant=line.tenant,
            conversation=line.conversation,
            what=line.what,
            most=line.amount,
            stands=stands if line.reported is None else "disputed",
            reported=line.reported,
        )


def _is_for(cap: Cap, tenant: str | None) -> bool:
    """Return whether those of one tenant are told of a cap: of their own, not of what is shared with others."""
    if tenant is None:
        return True
    return cap.level in ("conversation", "call") or (cap.level == "tenant" and cap.name in ("", tenant))


def _use(cap: Cap, found: Sum, now: float) -> CapUse:
    spent, reserved = cap.of(found.spent), cap.of(found.reserved)
    window = cap.window(round(now * MICRO))
    gone = (now - window.begins) / (window.ends - window.begins)
    return CapUse(
        cap=cap.title,
        name=found.name,
        tenant=found.tenant,
        unit=cap.unit,
        most=cap.most,
        spent=spent,
        reserved=reserved,
        disputed=cap.of(found.disputed),
        ends=_iso(window.ends) if cap.period else None,
        at_end=round((spent + reserved) / gone) if cap.period and gone else None,
    )


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
