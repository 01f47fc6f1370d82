"""A MAD with a thousand tools, for what that costs the call of another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from mads import mad, tool

TOOLS = 1000


def _tool(number: int) -> Callable[..., Awaitable[int]]:
    async def say(_self: Any, number: int) -> int:
        """Return the number."""
        return number

    say.__name__ = f"say{number}"
    return tool(read_only=True)(say)


Many: Any = mad(
    type(
        "Many",
        (),
        {
            "__doc__": "You say what you hear, by any of many names.",
            "__module__": __name__,
            **{f"say{number}": _tool(number) for number in range(TOOLS)},
        },
    )
)
