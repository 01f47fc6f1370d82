"""A shop that takes orders, each of which stops for ever at a place of its own in its first attempt."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from mads.testing.placed import Placed, placed
from tests.behaviour.shop import Bank, Order, Shop
from tests.host.posting import ROOT

SHOP: dict[str, Any] = {"shop": "tests.behaviour.shop:Shop", "bank": "tests.behaviour.shop:Bank"}
PLACES = ("within pay", "after fetch", "after pay", "within ship 1")
REACHED = {"within pay": "pay", "after fetch": "fetch", "after pay": "pay", "within ship 1": "ship 1"}


async def main(folder: Path, run: str) -> None:
    """Take the orders one after another, so that the first pays first; say when the last stands still."""
    async with placed(folder, run, path=(ROOT,), **SHOP) as it:
        for place in PLACES:
            command = await it.mad(Shop).order(Order(place, at=place, how="hang"))
            while not await _reached(it, f"command-{command}", REACHED[place]):
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)  # nothing tells that a step which has been done is also on disk
        os.write(sys.stdout.fileno(), b"all hang\n")
        await asyncio.Event().wait()


async def _reached(it: Placed, command: str, what: str) -> bool:
    asked = [*await it.mad(Shop).log(), *await it.mad(Bank).all()]
    return any((one.command or "").startswith(command) and one.what == what for one in asked)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
