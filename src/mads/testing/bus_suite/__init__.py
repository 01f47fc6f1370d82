"""The promises of `mads.bus.port` as checks, to be run on any adapter.

::

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    async def test_my_bus(check: Check) -> None:
        async with my_bus() as (server, client):
            await check(server, client)
"""

from mads.testing.bus_suite import events, lifecycle, order, requests, streams
from mads.testing.bus_suite.scene import Check

CHECKS: tuple[Check, ...] = (
    *requests.CHECKS,
    *events.CHECKS,
    *order.CHECKS,
    *streams.CHECKS,
    *lifecycle.CHECKS,
)
"""Every promise. They hold on a transport that delays, as long as it keeps the order."""

__all__ = ["CHECKS", "Check"]
