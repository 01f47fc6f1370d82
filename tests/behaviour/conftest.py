"""Every behaviour test runs in every placement."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from mads.host.breakers import BreakerConfig
from mads.host.canaries import CanaryConfig
from mads.host.config import MadConfig
from mads.host.fallbacks import FallbackConfig
from mads.host.layers import LAYERS
from mads.host.limits import LimitConfig
from mads.testing.placed import Placed, placed

ROOT = str(Path(__file__).parents[2])
Troupe = Callable[..., AbstractAsyncContextManager[Placed]]


@pytest.fixture(params=["here", pytest.param("process", marks=pytest.mark.slow)])
def placement(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def troupe(tmp_path: Path, placement: str) -> Troupe:
    """Run MADs of `troupe.py`, by name or with a configuration of their own, in this placement."""

    def run(
        *names: str,
        layers: tuple[str, ...] = LAYERS,
        strict: bool = True,
        limits: tuple[LimitConfig, ...] = (),
        breakers: tuple[BreakerConfig, ...] = (),
        fallbacks: tuple[FallbackConfig, ...] = (),
        canaries: tuple[CanaryConfig, ...] = (),
        core: Mapping[str, str] = MappingProxyType({}),
        flags: str = "",
        **mads: Any,
    ) -> Any:
        chosen: dict[str, Any] = {name: f"tests.behaviour.troupe:{name.capitalize()}" for name in names} | mads
        settled: dict[str, Any] = {"strict": strict, "layers": layers, "limits": limits, "core": core}
        settled |= {"breakers": breakers, "fallbacks": fallbacks, "canaries": canaries, "flags": flags}
        return placed(tmp_path, placement, path=(ROOT,), **settled, **chosen)

    return run


def serial(name: str) -> MadConfig:
    """Return the configuration of a MAD of `troupe.py` that handles one call at a time."""
    return MadConfig(f"tests.behaviour.troupe:{name.capitalize()}", at_once=1)


async def until_running(it: Placed, name: str, running: int) -> bool:
    """Wait until so many calls of this tool of the tree are being handled."""
    async with asyncio.timeout(5):
        while True:
            counts = await it.running("tree")
            if counts.get(name, 0) == running:
                return True
            await asyncio.sleep(0.02)
