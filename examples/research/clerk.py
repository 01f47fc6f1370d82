"""A MAD that lets a model act on what a page says, and the desk where that could do harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mads import Kept, Think, mad, message, tool

if TYPE_CHECKING:
    from mads.duos.marco import Marco


@message
class Cancelled:
    """Bookings that are no more."""

    why: str


@mad
class Desk:
    """You keep the bookings of the harbour."""

    cancelled: Kept[Cancelled]

    @tool(destructive=True)
    async def cancel(self) -> str:
        """Cancel all bookings of today."""
        await self.cancelled.add(Cancelled("somebody asked for it"))
        return "cancelled"

    @tool(read_only=True)
    async def times(self) -> int:
        """Return how often all bookings were cancelled."""
        return len(await self.cancelled.where())


@mad
class Clerk:
    """You do for guests what they ask for."""

    marco: Marco
    desk: Desk
    think: Think

    @tool
    async def serve(self, wish: str) -> str:
        """Do what a guest says at the counter."""
        return await self.think("Do what the guest asks for.", wish, tools=[self.desk.cancel])

    @tool
    async def read(self, page: str) -> str:
        """Do what a page asks for, as far as that is allowed."""
        found = await self.marco.read(page, article=False)
        return await self.think("Do what the page asks for.", found.text, tools=[self.desk.cancel])
