"""What is done again and again for as long as a process runs: where it fails it is told, and goes on all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog


async def regularly(pause: float, do: Callable[[], Awaitable[object]]) -> NoReturn:
    """Do it, and again `pause` seconds after each time; what it raises is logged once for as long as it is the same."""
    log, why = structlog.get_logger(), ""
    while True:
        before, why = why, ""
        try:
            await do()
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            if why != before:
                log.exception("what is done regularly failed", what=getattr(do, "__qualname__", ""), why=why)
        await asyncio.sleep(pause)
