"""A shop that asks its flags, and one tool of which has a flag of its own."""

from __future__ import annotations

from openfeature import api

from mads import Flags, mad, tool
from mads.guard.flags.openfeature import MadsProvider


@mad
class Shop:
    """You sell."""

    flags: Flags

    @tool(read_only=True)
    async def price(self, plan: str = "free") -> float:
        """Return a price."""
        return self.flags("price", 10.0, plan=plan)

    @tool(read_only=True)
    async def colour(self) -> str:
        """Return in which colour the caller sees it."""
        return self.flags("colour", "grey")

    @tool(read_only=True)
    async def misread(self) -> int:
        """Ask for a number where there is a text."""
        return self.flags("colour", 7)

    @tool(read_only=True)
    async def open_feature(self) -> str:
        """Ask as code does that knows nothing of mads."""
        api.set_provider(MadsProvider(self.flags))
        found = api.get_client().get_string_details("colour", "grey")
        return f"{found.value} {found.variant} {found.reason}"

    @tool(read_only=True)
    async def new_till(self) -> str:
        """Ring it up in the new way."""
        return "rung"
