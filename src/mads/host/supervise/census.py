"""What there is ever more of in this process, and whose it is: a count of objects by type, and of what fields hold.

Only growth counts that goes on from look to look and is more than a cache or a busy hour explains. Types are those that
Python's collector knows; a list of texts is found by the field that holds it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
import weakref
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from mads.host.regularly import regularly
from mads.host.supervise.usage import rss

SAMPLE = 50_000
"""How many objects are looked at; where there are more, every so manieth, so that a look takes a few milliseconds."""
STEPS = 5
"""How often in a row something must have become more."""
MORE, PART = 1000, 0.05
"""How much more there must be since the first of these looks, and as a part of what there was."""
FLAT = 3
"""How often it may stay the same in between."""
COLLECT = 60.0
"""Seconds between two full collections, by which what looks like growth is told from garbage."""
_MEMORY = "pages of 16 kB, of nothing that Python counts"
_HOLDERS: tuple[type[Any], ...] = (list, dict, set, deque, bytearray)


@dataclass(slots=True)
class Growth:
    """How one count has grown since it began to: from `first`, in `steps`."""

    first: int
    last: int
    since: float
    rss: int
    steps: int = 0
    flat: int = 0

    def add(self, count: int) -> bool:
        """Take the next count; return False where the growth has ended."""
        if count > self.last:
            self.last, self.steps, self.flat = count, self.steps + 1, 0
            return True
        self.flat += 1
        return self.flat <= FLAT and count >= self.last - 0.1 * (self.last - self.first)

    @property
    def is_leak(self) -> bool:
        """Whether it has gone on for too long."""
        return self.steps >= STEPS and self.last - self.first >= max(MORE, PART * self.first)


class Census:
    """Counts every so many seconds; `alone` in its process a MAD is blamed for whatever grows there."""

    def __init__(self, every: float, *, alone: str = "") -> None:
        self._every, self._alone = every, alone
        self._instances: dict[str, weakref.ref[Any]] = {}
        self._growths: dict[tuple[str, str], Growth] = {}
        self._found: dict[str, str] = {}
        self._holds: dict[tuple[str, str], str] = {}
        self._collected = -COLLECT
        self._log = structlog.get_logger()

    def know(self, mad: str, instance: Any) -> None:
        """Look at what the fields of `instance` hold, and count its module's types, from now on."""
        self._instances[mad] = weakref.ref(instance)

    def growing(self, mad: str) -> str:
        """Return what there is ever more of in `mad`; "" where there is no such thing."""
        return self._found.get(mad, "")

    def start(self) -> None:
        """Begin, in the loop that runs."""
        self._looking = asyncio.create_task(regularly(self._every, self._look), name="census")

    def stop(self) -> None:
        """Count no more."""
        self._looking.cancel()

    def look(self) -> None:
        """Count, and note what has grown."""
        now, memory = time.monotonic(), rss(os.getpid())
        self._take(self._counts(), now, memory)
        if any(it.is_leak for it in self._growths.values()) and now - self._collected >= COLLECT:
            self._collected = now
            gc.collect()
            for key, count in self._counts().items():
                if key in self._growths and not self._growths[key].add(count):
                    del self._growths[key]
        found = self._findings(now, memory)
        for mad in found.keys() - self._found.keys():
            self._log.warning("something grows", mad=mad, what=found[mad])
        self._found = found

    async def _look(self) -> None:
        self.look()

    def _take(self, counts: Mapping[tuple[str, str], int], now: float, memory: int) -> None:
        for key, count in counts.items():
            growth = self._growths.get(key)
            if growth is None or not growth.add(count):
                self._growths[key] = Growth(count, count, now, memory)
        for key in self._growths.keys() - counts.keys():
            del self._growths[key]

    def _findings(self, now: float, memory: int) -> dict[str, str]:
        """Return for each MAD what grows most in it; a field says more than a type."""
        found: dict[str, tuple[int, int, str]] = {}
        for (mad, name), it in self._growths.items():
            if it.is_leak:
                more, passed = it.last - it.first, now - it.since
                what = name + self._holds.get((mad, name), "")
                said = f"ever more {what}: {it.last:,}, {more:,} more within {passed:.0f} s"
                grown = f"{said}, memory {(memory - it.rss) / 1e6:+.1f} MB"
                rank = 0 if name == _MEMORY else 2 if name.endswith(")") else 1
                found[mad] = max(found.get(mad, (0, 0, "")), (rank, more, grown))
        return {mad: said for mad, (_, _, said) in found.items()}

    def _counts(self) -> dict[tuple[str, str], int]:
        counts: Counter[tuple[str, str]] = Counter()
        owners: dict[str, set[str]] = {}
        for mad, reference in self._instances.items():
            instance: object = reference()
            if instance is not None:
                owners[mad] = _known_to(type(instance))
                for name, holder in _held(instance):
                    counts[mad, name] += len(holder)
                    self._holds[mad, name] = _kind(holder)
        if self._alone:
            counts[self._alone, _MEMORY] = rss(os.getpid()) >> 14
        objects = gc.get_objects() if owners or self._alone else []
        stride = 1 + len(objects) // SAMPLE
        for type_, number in Counter(map(type, objects[::stride])).items():
            module = str(type_.__module__)
            if module.partition(".")[0] == "mads":
                continue
            name = _named(type_)
            for mad in [self._alone] if self._alone else [mad for mad in owners if module in owners[mad]]:
                counts[mad, name] += number * stride
        return counts


def _held(instance: object) -> Iterator[tuple[str, Any]]:
    """Yield each field of `instance` that holds things, and each such name of its module, with what holds them."""
    cls, module = type(instance), sys.modules.get(type(instance).__module__)
    for owner, names in ((cls.__name__, vars(instance)), (cls.__module__, vars(module) if module else {})):
        for name, value in [*names.items()]:
            if isinstance(value, _HOLDERS) and not name.startswith("__"):
                yield f"{owner}.{name} ({type(value).__name__})", value


def _kind(holder: list[Any] | dict[Any, Any] | set[Any] | deque[Any] | bytearray) -> str:
    """Return of what type is what `holder` took last, in words; "" where it holds nothing, or bytes."""
    if not holder or isinstance(holder, bytearray):
        return ""
    last: object
    if isinstance(holder, dict):
        last = holder[next(reversed(holder))]
    else:
        last = next(iter(holder)) if isinstance(holder, set) else holder[-1]
    return f" of {_named(last.__class__)}"


def _named(type_: type[Any]) -> str:
    return type_.__qualname__ if type_.__module__ == "builtins" else f"{type_.__module__}.{type_.__qualname__}"


def _known_to(cls: type[Any]) -> set[str]:
    """Return the module of `cls`, and those of which it has imported something, but for the language's own."""
    things = vars(sys.modules[cls.__module__]).values() if cls.__module__ in sys.modules else ()
    modules = {getattr(thing, "__module__", None) or getattr(thing, "__name__", None) for thing in things}
    own = {it for it in modules if isinstance(it, str) and it.partition(".")[0] not in sys.stdlib_module_names}
    return {cls.__module__, *own}
