"""What the steward does about commands that were given up, and events that were refused."""

from __future__ import annotations

from mads import Sensitive, tool
from mads.author.system import System
from mads.duos.steward.expect import expect
from mads.wire.status import DeadLetter, DeadLetters, Which

EVERY = Which()


class Dead:
    """Dead letters."""

    system: System

    @tool(read_only=True)
    async def dead_list(self, which: Which = EVERY) -> Sensitive[DeadLetters]:
        """Return the commands given up and events refused, oldest first, at most 1,000, and how many more there are."""
        found = await self.system.dead.oldest(which)
        expect(self.system, found.letters, which.tool)
        return found

    @tool(read_only=True)
    async def dead_show(self, letter: int) -> Sensitive[DeadLetter]:
        """Return one command that was given up, with its body but for what is sensitive in it."""
        return await self.system.dead.one(letter)

    @tool
    async def dead_retry(self, letter: int) -> None:
        """Deliver a command that was given up, as if it had just been sent."""
        await self.system.dead.retry(letter)

    @tool(destructive=True)
    async def dead_drop(self, letter: int) -> None:
        """Forget a command that was given up."""
        await self.system.dead.drop(letter)

    @tool
    async def dead_retry_all(self, which: Which = EVERY) -> int:
        """Deliver commands that were given up, as if they had just been sent; return how many."""
        count = await self.system.dead.retry_all(which)
        expect(self.system, count, which.tool)
        return count

    @tool(destructive=True)
    async def dead_drop_all(self, which: Which = EVERY) -> int:
        """Forget commands that were given up; return how many."""
        count = await self.system.dead.drop_all(which)
        expect(self.system, count, which.tool)
        return count
