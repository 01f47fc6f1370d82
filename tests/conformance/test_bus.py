"""Every bus adapter keeps every promise of the port."""

from __future__ import annotations

import pytest
from adapters import ADAPTERS, Adapter

from mads.testing.bus_suite import CHECKS, Check


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=ADAPTERS)
async def test_a_bus_keeps_its_promise(adapter: Adapter, check: Check) -> None:
    async with adapter() as (server, client):
        await check(server, client)
