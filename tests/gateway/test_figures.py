"""The page of figures is there for whoever reads from this machine, behind the same doors as everything else.

Does not cover what stands on it.
"""

from __future__ import annotations

import httpx2

from mads.gateway.server import Running, serve
from tests.gateway.desk import Desk, gateway, talking

COVERS = ("R-128",)


async def figures(accepted: str) -> tuple[bytes, str]:
    return f"asked for {accepted}".encode(), "text/plain; version=0.0.4"


async def asked(running: Running, method: str = "GET", **headers: str) -> httpx2.Response:
    async with talking(running) as http:
        return await http.request(method, "/metrics", headers=headers)


async def test_the_page_is_read_by_a_scraper_and_by_nobody_from_elsewhere() -> None:
    running = await serve(Desk(), port=0, figures=figures)
    try:
        page = await asked(running, accept="text/plain")
        assert (page.status_code, page.text) == (200, "asked for text/plain")
        assert page.headers["content-type"] == "text/plain; version=0.0.4"
        assert (await asked(running, "POST")).status_code == 405
        assert (await asked(running, host="example.org")).status_code == 421
        assert (await asked(running, origin="https://example.org")).status_code == 403
    finally:
        await running.close()


async def test_a_gateway_without_figures_has_no_such_page() -> None:
    async with gateway(Desk()) as running:
        assert (await asked(running)).status_code == 404
