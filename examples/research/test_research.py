from __future__ import annotations

import shutil
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from harbour import KEY, site
from mads.host.config import MadConfig
from mads.host.paths import data_folder
from mads.store.record.port import Query
from mads.testing.placed import Placed, placed
from mads.testing.provider import Provider, provider

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent


@pytest.fixture
def harbour() -> Generator[str]:
    server = site()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def model() -> Generator[Provider]:
    with provider() as it:
        yield it


def mads(harbour: str, model: Provider) -> dict[str, Any]:
    near = {"near": {"url": model.url, "models": {"small": "tiny-1"}}}
    fiedler = MadConfig(
        "mads.duos.fiedler:Fiedler", may=(f"net:{model.root.removeprefix('http://')}",), set={"providers": near}
    )
    return {
        "dewey": MadConfig("mads.duos.dewey:Dewey", set={"folder": "documents"}),
        "marco": MadConfig("mads.duos.marco:Marco", may=(f"net:{harbour}",), set={"pause": 0.0}),
        "fiedler": fiedler,
        "scholar": MadConfig("research:Scholar", may=(f"net:{harbour}",), set={"prices": f"http://{harbour}/prices"}),
        "core": {"turing": "mads.duos.turing:Turing"},
        "path": [str(HERE)],
    }


@pytest.mark.parametrize("run", ["here", "process"])
async def test_a_question_is_answered_with_citations_in_one_trace_and_the_key_is_nowhere(
    tmp_path: Path, harbour: str, model: Provider, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(HERE / "documents", tmp_path / "documents")
    monkeypatch.chdir(tmp_path)
    pages = [f"http://{harbour}/{path}" for path in ("tours", "deep", "feed", "bomb", "inward")]
    async with placed(tmp_path, run, **mads(harbour, model)) as it:
        secret: dict[str, Any] = {"path": "prices/key", "value": KEY, "hosts": [harbour]}
        await it.call("turing.set_secret", principal="operator", **secret)
        await it.call("turing.grant_secret", principal="operator", mad="scholar", pattern="prices/key")

        found = await it.call("scholar.answer", question="How many people does the Heron carry?", pages=pages)

        assert found["sources"][0] == "boats.md:5"
        assert pages[0] in found["sources"]
        assert f"http://{harbour}/prices" in found["sources"]
        asked = str(model.seen()[-1].body)
        assert "carries twelve people" in asked
        assert "back at four" in asked
        assert "40 euro" in asked
        assert "Mallory" not in asked
        assert [told.partition(": ")[0] for told in found["missing"]] == pages[2:]
        assert len(await traces(it)) == 1
    assert KEY not in str(model.seen())
    assert [
        path for path in data_folder(tmp_path).rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()
    ] == []


async def traces(it: Placed) -> set[str]:
    """Return the traces of everything that was done for the question."""
    await it.system.observer.recorder.flush()
    entries = await it.system.record.entries(Query())
    mine = next(entry for entry in entries if entry.subject == "mads.scholar.answer")
    done = [entry for entry in entries if entry.at_us >= mine.at_us and entry.subject.startswith(("mads.", "egress"))]
    return {entry.trace for entry in done}
