"""What the steward knows of what is spent, and what the operator has stopped."""

from __future__ import annotations

from mads import tool
from mads.author.system import System
from mads.wire.ledger import Amount, Bill, By, CapUse, Reconciled, Reservation, Sum
from mads.wire.status import Stop, Stoppable


class Spending:
    """Budgets, and switches."""

    system: System

    @tool(read_only=True)
    async def budget(self) -> list[CapUse]:
        """Return every cap on what may be spent, and what is used of it just now."""
        return list(await self.system.spending.caps())

    @tool(read_only=True)
    async def cost(self, by: By = "model", since: float = 0.0) -> list[Sum]:
        """Return what was spent from `since` on, in seconds since 1970, by whom, for whom or on what."""
        return list(await self.system.spending.cost(by, since))

    @tool(read_only=True)
    async def reservations(self, after: int = 0) -> list[Reservation]:
        """Return what stands reserved or is disputed, the oldest first, of those after an id."""
        return list(await self.system.spending.reservations(after))

    @tool(destructive=True)
    async def settle(self, reservation: int, spent: Amount | None = None) -> None:
        """Settle by hand what nobody settled, or what is disputed: it came to so much, or to nothing."""
        await self.system.spending.settle(reservation, spent)

    @tool(destructive=True)
    async def reconcile(self, bill: Bill) -> Reconciled:
        """Settle what is open in the time of a provider's bill, so that all of it together comes to the bill."""
        return await self.system.spending.reconcile(bill)

    @tool(read_only=True)
    async def stopped(self) -> list[Stop]:
        """Return what the operator has stopped."""
        return self.system.switches.stopped()

    @tool(destructive=True)
    async def stop(self, what: Stoppable, why: str) -> Stop:
        """Stop all spending, a MAD or a tool of one (`scribe.write`) at once, and until it is resumed."""
        return await self.system.switches.stop(what, why)

    @tool(destructive=True)
    async def resume(self, what: Stoppable) -> None:
        """Let go on what was stopped."""
        await self.system.switches.resume(what)
