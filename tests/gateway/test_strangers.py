"""Clients that others wrote list at the gateway and call there, under underscored and dotted names, in both eras.

With the clients as they are published, in processes of their own. The official suite stands in `make conformance`.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator

import pytest
from conformance.launch import SYSTEM, system
from conformance.strangers import CLIENTS, visit
from conformance.suite import FOLDER

COVERS = ("R-042",)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    assert (FOLDER / "ready").exists(), "the clients are not installed; run: make .conformance/ready"
    root = tmp_path_factory.mktemp("strangers")
    for each in ("mads.toml", "fixture.py"):
        shutil.copy(SYSTEM / each, root)
    with system(root / "system.log", root) as address:
        yield address.removesuffix("/mcp/suite")


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_that_others_wrote_lists_and_calls(client: str, base: str) -> None:
    assert {where: said for where, said in visit(client, base).items() if said} == {}
