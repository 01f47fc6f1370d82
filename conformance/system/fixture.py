"""A MAD with the tools that the official conformance suite looks for, by the names that it gives them."""

from mads import Clock, Turn, mad, tool


@mad
class Fixture:
    """You are what the conformance suite measures."""

    clock: Clock
    turn: Turn

    @tool
    async def test_simple_text(self) -> str:
        """Answer with text."""
        return "This is a simple text response for testing."

    @tool
    async def test_error_handling(self) -> str:
        """Fail."""
        raise RuntimeError("This tool intentionally returns an error for testing")

    @tool
    async def test_tool_with_progress(self) -> str:
        """Tell of progress three times."""
        for done in (0, 50, 100):
            self.turn.progress(done, 100, f"Completed step {done} of 100")
            await self.clock.sleep(0.05)
        return "done"
