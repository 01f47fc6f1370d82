"""Which subscriptions a subject reaches, group by group; remembered until a subscription comes or goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from mads.bus.subjects import Rank, parse, rank

T = TypeVar("T")

REMEMBERED = 4096
"""How many subjects are remembered at most: callers choose them, so there is no end of them."""


class Routes(Generic[T]):
    """The subscriptions `T` by pattern and group; one without a group is a group of its own."""

    def __init__(self) -> None:
        self._entries: dict[T, tuple[object, list[tuple[str, ...]]]] = {}
        self._found: dict[str, list[list[T]]] = {}

    def __iter__(self) -> Iterator[T]:
        return iter(self._entries)

    def add(self, member: T, patterns: Sequence[str], group: str | None) -> None:
        """Have `patterns` lead to `member`; raise `UsageError` where one is no pattern."""
        self._entries[member] = (group if group is not None else member, [parse(pattern) for pattern in patterns])
        self._found.clear()

    def remove(self, member: T) -> None:
        """Have nothing lead to `member`."""
        self._entries.pop(member, None)
        self._found.clear()

    def find(self, subject: str) -> list[list[T]]:
        """Return the members that `subject` reaches by group: the most exact pattern's group first, then by age."""
        found = self._found.get(subject)
        if found is None:
            if len(self._found) >= REMEMBERED:
                self._found.clear()
            found = self._found[subject] = self._search(tuple(subject.split(".")))
        return found

    def _search(self, subject: tuple[str, ...]) -> list[list[T]]:
        best: dict[object, Rank] = {}
        groups: dict[object, list[T]] = {}
        for member, (group, patterns) in self._entries.items():
            ranks = [r for pattern in patterns if (r := rank(pattern, subject)) is not None]
            if ranks:
                groups.setdefault(group, []).append(member)
                best[group] = min(*ranks, best.get(group, ranks[0]))
        return [groups[group] for group in sorted(groups, key=best.__getitem__)]
