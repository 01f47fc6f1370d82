"""A MAD that calls an MCP server by a class that says what it asks of it."""

from __future__ import annotations

from mads import mad, tool


@mad
class Tales:
    """What is asked of a server of tales."""

    @tool
    async def echo(self, text: str) -> str:
        """Say it again."""
        raise NotImplementedError

    @tool
    async def climb(self) -> int:
        """Answer with what is no number."""
        raise NotImplementedError


@mad
class Asker:
    """You ask a server."""

    tales: Tales

    @tool
    async def ask(self, text: str) -> str:
        """Return what the server says."""
        return await self.tales.echo(text)

    @tool
    async def count(self) -> int:
        """Expect a number where there is none."""
        return await self.tales.climb()
