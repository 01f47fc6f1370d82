"""Manners towards a site: what its robots.txt asks for, and not all at once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

MOST = 1_000
"""How many sites are remembered."""


class Rules(NamedTuple):
    """What a site's robots.txt says of one page: whether it may be fetched, and the seconds to leave between two."""

    allowed: bool
    pause: float = 0.0


def rules(robots: str, url: str, agent: str) -> Rules:
    """Return what a robots.txt says of `url`."""
    from protego import Protego  # noqa: PLC0415  it is loaded in the process that parses, and there alone

    said = Protego.parse(robots.removeprefix("\ufeff")[:500_000])  # the mark of some editors is no part of a line
    return Rules(bool(said.can_fetch(url, agent)), min(float(said.crawl_delay(agent) or 0), 60.0))


@dataclass
class Site:
    """One site: its robots.txt and until when that holds, and when it may be asked next, with what pause between."""

    robots: str = ""
    known_until: float = -1.0
    next: float = 0.0
    pause: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Sites:
    """The sites that were visited last; one page at a time is in the `browser`."""

    def __init__(self) -> None:
        self.browser = asyncio.Lock()
        self._sites: OrderedDict[str, Site] = OrderedDict()

    @asynccontextmanager
    async def visit(self, origin: str) -> AsyncGenerator[Site]:
        """Yield what is known of a site, to one after the other."""
        site = self._sites.setdefault(origin, Site())
        self._sites.move_to_end(origin)
        for other in list(self._sites)[: max(0, len(self._sites) - MOST)]:
            if not self._sites[other].turn.locked():
                del self._sites[other]
        async with site.turn:
            yield site
