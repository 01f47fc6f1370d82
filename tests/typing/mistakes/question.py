"""A question with material in it."""

from mads import Think, mad, tool


@mad
class Clerk:
    """You ask."""

    think: Think

    @tool
    async def ask(self, about: str) -> str:
        """Ask about something."""
        return await self.think(f"What was decided about {about}?")  # error: pyright
