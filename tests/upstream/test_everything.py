"""What a server of either era says by itself reaches whom it is for: changes of resources, and its questions.

With a server on the SDK alone, in a process of its own. All else that it offers is measured in `make conformance`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from conformance.launch import everything

from mads.upstream.link import Link
from mads.upstream.peer import Peer, Said
from mads.upstream.server import Server
from tests.upstream.servers import Ear

COVERS = ("R-113",)

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("eras", [(), ("older",)], ids=["both", "older"])]


@asynccontextmanager
async def linked(tmp_path: Path, eras: tuple[str, ...]) -> AsyncGenerator[tuple[Link, Ear]]:
    link, ear = Link(), Ear()
    with everything(tmp_path / "log", *eras) as address:
        link.begin("all", Server(mcp=address), ear)
        try:
            await ear.until(lambda ear: ear.definitions)
            yield link, ear
        finally:
            await link.close()


async def test_a_resource_that_changes_is_said_to_have_changed(tmp_path: Path, eras: tuple[str, ...]) -> None:
    async with linked(tmp_path, eras) as (_, ear):
        await ear.until(lambda ear: "test://watched-resource" in ear.changes)


async def test_what_a_server_asks_is_put_to_whom_it_asks_also_where_it_asks_several(
    tmp_path: Path, eras: tuple[str, ...]
) -> None:
    together = asyncio.Barrier(3)  # each is asked while the others still think

    async def called(link: Link, name: str) -> str:
        async def ask(_: str, params: Said, __: str) -> Said:
            assert params["message"] == f"Who is {name}?"
            await together.wait()
            return {"action": "accept", "content": {"username": name, "email": name}}

        peer = Peer(ask, lambda _, __, ___: None, lambda _, __, ___: None, ("elicitation/create",))
        async with link.lent("ana", peer) as session:
            came = await session.call("test_elicitation", {"message": f"Who is {name}?"}, peer)
        return str(came["content"][0]["text"])

    async with linked(tmp_path, eras) as (link, _), asyncio.timeout(20):
        names = ("ana", "bo", "cy")
        said = await asyncio.gather(*(called(link, name) for name in names))
    assert all(f"'username': '{name}'" in answer for name, answer in zip(names, said, strict=True))
