"""What has changed behind the door, told to whoever listens: a list, or what stands at one address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

Changed = Literal["tools", "prompts", "resources", "resource"]
"""Which list is another now, or that one resource is."""


class Change(Struct, frozen=True):
    """One change; `uri` is of the one resource."""

    what: Changed
    uri: str = ""


LISTS: tuple[Changed, ...] = ("tools", "prompts", "resources")

Hear = Callable[[Change], None]


class Changes:
    """Those who listen to one view's changes."""

    def __init__(self) -> None:
        self._hearers: dict[object, Hear] = {}

    def tell(self, change: Change) -> None:
        """Tell everyone; nobody may raise, or wait."""
        for hear in list(self._hearers.values()):
            hear(change)

    def listen(self, hear: Hear) -> Callable[[], None]:
        """Let `hear` hear of changes until what is returned is called."""
        key = object()
        self._hearers[key] = hear

        def leave() -> None:
            self._hearers.pop(key, None)

        return leave


def between(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Return which lists are others now."""
    lists: tuple[tuple[Changed, tuple[str, ...]], ...] = (
        ("tools", ("tools",)),
        ("prompts", ("prompts",)),
        ("resources", ("resources", "resourceTemplates")),
    )
    return [Change(what) for what, kinds in lists if any(old[kind] != new[kind] for kind in kinds)]


EVERY_LIST = tuple(Change(what) for what in LISTS)
"""That every list may be another for whoever asks."""
