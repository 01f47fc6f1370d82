"""A MAD that keeps a list of what is to be done."""

from mads import Kept, mad, message, tool


@message
class Task:
    """Something to do, and who does it."""

    what: str
    who: str


@mad
class Chores:
    """You keep a list of what is to be done, and lose nothing of it."""

    tasks: Kept[Task]

    @tool
    async def add(self, what: str, who: str = "anyone") -> Task:
        """Put something on the list."""
        task = Task(what=what, who=who)
        await self.tasks.add(task)
        return task

    @tool(read_only=True)
    async def left(self) -> list[Task]:
        """Return what is left to do, oldest first."""
        return await self.tasks.where()

    @tool
    async def done(self, what: str) -> bool:
        """Take something off the list; return whether it was there."""
        return await self.tasks.remove(what=what) > 0
