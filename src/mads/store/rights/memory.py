"""Rights in memory: the twin for tests, which keeps every promise but the one about crashes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from mads.store.rights.port import Change, Grant, Kept


class MemoryRights:
    """Keeps rights for as long as it lives."""

    def __init__(self) -> None:
        self._next = itertools.count(1).__next__
        self._roles: set[str] = set()
        self._grants: dict[int, Grant] = {}
        self._revisions: list[tuple[int, int, str]] = []

    async def change(self, change: Change, *, now: int) -> Kept:
        """Make a change and return what is kept then; what is granted already stays as it is."""
        for role in change.dropped:
            gone = {f"role:{role}"} if role in change.made else {f"role:{role}", role}
            self._grants = {
                id_: it for id_, it in self._grants.items() if it.terms.whom not in gone and it.terms.what not in gone
            }
        self._roles = (self._roles - {*change.dropped}) | {*change.made}
        for id_ in change.revoked:
            self._grants.pop(id_, None)
        for terms in change.granted:
            if all(it.terms != terms for it in self._grants.values()):
                grant = Grant(self._next(), terms)
                self._grants[grant.id] = grant
        self._revisions.append((len(self._revisions) + 1, now, change.what))
        return await self.kept()

    async def kept(self) -> Kept:
        """Return what is kept."""
        return Kept(len(self._revisions), tuple(sorted(self._roles)), tuple(self._grants.values()))

    async def revisions(self) -> Sequence[tuple[int, int, str]]:
        """Return the number of each revision, when it was made and what it was in words; the first one first."""
        return list(self._revisions)
