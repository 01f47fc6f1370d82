"""A MAD for a real system behind the gateway."""

from mads import mad, tool


@mad
class Sums:
    """You add."""

    @tool(read_only=True)
    async def add(self, numbers: list[float]) -> float:
        """Return the sum of the numbers."""
        return sum(numbers)
