from chores import Chores, Task
from mads.testing import kept
from morning import Morning


async def test_a_plan_has_what_is_ones_own_and_what_is_anyones() -> None:
    chores = Chores(tasks=kept(Task("ship it", "Ana"), Task("rest", "Bo"), Task("water the plants", "anyone")))

    assert await Morning(chores=chores).plan("Ana") == ["ship it", "water the plants"]
