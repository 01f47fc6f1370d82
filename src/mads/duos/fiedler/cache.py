"""Answers that were given before, for exactly the same request of the same tenant; the oldest go first."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import blake2b

from msgspec.structs import replace

from mads.duos.fiedler.house import Model
from mads.wire import codec
from mads.wire.model import ModelAnswer, ModelRequest

MOST = 10_000
LARGEST = 64 * 1024 * 1024
"""How many characters all answers may have together."""


class Cache:
    """Remembers answers for as long as it lives."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, ModelAnswer]] = OrderedDict()
        self._size = 0

    def key(self, request: ModelRequest, tenant: str, models: Sequence[Model]) -> bytes:
        """Return what is the same for the same request alone."""
        configs = [(model.name, model.config) for model in models]
        return blake2b(codec.encode((tenant, configs, request)), digest_size=32).digest()

    def get(self, key: bytes, age: float | None) -> ModelAnswer | None:
        """Return the answer that was given no longer than `age` seconds ago; whenever, where that is None."""
        at, answer = self._kept.get(key, (0.0, None))
        if answer is None or (age is not None and self._clock() - at > age):
            return None
        return replace(answer, cached=True, rung=0, cost=0, tried=())

    def put(self, key: bytes, answer: ModelAnswer) -> None:
        """Remember an answer."""
        _, before = self._kept.pop(key, (0.0, None))
        self._size += len(answer.text) - (len(before.text) if before else 0)
        self._kept[key] = self._clock(), answer
        while len(self._kept) > MOST or self._size > LARGEST:
            self._size -= len(self._kept.popitem(last=False)[1][1].text)
