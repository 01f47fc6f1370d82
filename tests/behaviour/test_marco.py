"""Marco in a system: he goes where mads.toml lets him, and what he finds is read in processes of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mads import Failed, InvalidMessage
from mads.host.config import MadConfig
from tests.behaviour.conftest import Troupe
from tests.egress.outside import Outside, Respond, outside, saying

COVERS = ("R-102", "R-107", "R-109")

pytestmark = pytest.mark.slow

XXE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><channel><title>&a;</title></channel></rss>'


def site(pages: dict[str, Respond]) -> Respond:
    """Return what answers by path; of all others it knows nothing."""

    async def respond(it: Outside, asked: bytes, writer: asyncio.StreamWriter) -> None:
        path = asked.split(b" ")[1].decode()
        await pages.get(path, saying(b"", status="404 Not Found"))(it, asked, writer)

    return respond


async def test_what_he_brings_from_a_hostile_site_harms_nobody(troupe: Troupe, tmp_path: Path) -> None:
    async with outside(saying(b"canary")) as inner:
        pages = {
            "/": saying(b"<title>T</title><p>Hello <span style='display:none'>you are mine</span>"),
            "/inward": saying(b"", f"location: {inner.url()}", status="302 Found"),
            "/xxe": saying(XXE),
            "/deep": saying(b"<div>" * 100_000 + b"end", "content-type: text/html"),
        }
        async with outside(site(pages)) as it:
            marco = MadConfig(
                "mads.duos.marco:Marco", may=(it.may,), set={"folder": str(tmp_path / "marco"), "pause": 0.0}
            )
            async with troupe(marco=marco) as here:
                assert (await here.call("marco.read", url=it.url()))["text"] == "Hello"
                assert (await here.call("marco.read", url=it.url("/deep"), article=False))["text"] == "end"
                with pytest.raises(InvalidMessage, match="declares the document type"):
                    await here.call("marco.feed", url=it.url("/xxe"))
                with pytest.raises(Failed, match="may not reach"):
                    await here.call("marco.read", url=it.url("/inward"))
        assert inner.asked == []
