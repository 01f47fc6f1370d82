"""What was sent in the last minute is in the book, and counts for a provider's limits after a restart as well."""

from __future__ import annotations

import asyncio

from mads.author.ledger import Ledger
from mads.duos.fiedler.house import House
from mads.duos.fiedler.pace import MINUTE


class Memory:
    """Reads the book once, before the first request leaves."""

    def __init__(self, house: House, ledger: Ledger) -> None:
        self._house, self._ledger = house, ledger
        self._lock, self._read = asyncio.Lock(), False

    async def recall(self) -> None:
        """Count what a run before this one sent; of a model that is no longer there it counts for every provider."""
        async with self._lock:
            if self._read:
                return
            paces = {model.pace for model in self._house.models.values()}
            for sent in await self._ledger.recent(MINUTE):
                model = self._house.models.get(sent.what)
                for pace in paces if model is None else (model.pace,):
                    if sent.amount.calls:
                        pace.remember(sent.age, sent.amount.usage.total)
            self._read = True
