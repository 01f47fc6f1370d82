"""The MAD that is measured: it does nothing, so that what is measured is what stands round it."""

from mads import mad, tool


@mad
class Echo:
    """You say what you hear."""

    @tool(read_only=True)
    async def say(self, number: int) -> int:
        """Return the number."""
        return number
