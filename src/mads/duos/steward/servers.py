"""What the steward does about the MCP servers behind MADs: signing in there, and what is withheld of them."""

from __future__ import annotations

from mads import Sensitive, tool
from mads.author.system import System
from mads.duos.steward.told import told
from mads.wire.tools import Withheld


class Servers:
    """MCP servers behind MADs."""

    system: System

    @tool(destructive=True)
    async def sign_in(self, mad: str, whom: str = "") -> Sensitive[str]:
        """Begin to sign in at an MCP server, for `whom` or the system; return where a browser has to go."""
        return await self.system.sign_ins.begin(mad, whom)

    @tool(destructive=True)
    async def signed_in(self, mad: str, whom: str = "") -> None:
        """Return once whoever signs in at an MCP server has done so; what stands for that server is begun anew."""
        await self.system.sign_ins.done(mad, whom)
        if not whom:
            with told():
                await self.system.restart(mad)

    @tool(destructive=True)
    async def sign_out(self, mad: str, whom: str = "") -> None:
        """Forget what signing in at an MCP server has brought."""
        await self.system.sign_ins.forget(mad, whom)
        with told():
            await self.system.restart(mad)

    @tool(read_only=True)
    async def missing(self) -> dict[str, str]:
        """Return for each MAD that stands for an MCP server, and whose offers are not all there, why that is."""
        return dict(self.system.missing())

    @tool(read_only=True)
    async def withheld(self) -> list[Withheld]:
        """Return what MCP servers offer and nobody gets until it is approved: why, and what has changed."""
        return list(self.system.approvals.withheld())

    @tool(destructive=True)
    async def approve(self, name: str, seen: str = "") -> list[Withheld]:
        """Offer what is withheld of a MAD, or under one name of it; `seen` is the digest of what was looked at."""
        return list(await self.system.approvals.approve(name, seen))
