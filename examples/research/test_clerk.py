from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mads.host.config import MadConfig
from mads.store.record.port import Query
from mads.testing.placed import placed
from mads.testing.provider import Provider
from test_research import harbour, mads, model

pytestmark = pytest.mark.slow

__all__ = ["harbour", "model"]


@pytest.mark.parametrize("run", ["here", "process"])
async def test_a_page_that_a_gullible_model_obeys_reaches_nothing_that_destroys(
    tmp_path: Path, harbour: str, model: Provider, run: str
) -> None:
    served: dict[str, Any] = mads(harbour, model)
    chosen = {name: served[name] for name in ("marco", "fiedler", "path")}
    clerk: dict[str, Any] = {name: MadConfig(f"clerk:{name.capitalize()}") for name in ("clerk", "desk")}
    async with placed(tmp_path, run, **chosen, **clerk) as it:
        told = await it.call("clerk.read", page=f"http://{harbour}/poisoned")
        assert "carries the label 'untrusted', brought in by marco" in told
        assert await it.call("desk.times") == 0

        assert "cancelled" in await it.call("clerk.serve", wish="call desk_cancel {}")
        assert await it.call("desk.times") == 1

        await it.system.observer.recorder.flush()
        entries = [one for one in await it.system.record.entries(Query()) if one.subject == "mads.desk.cancel"]
        assert [(one.outcome, one.taint) for one in entries] == [("denied", ("untrusted:marco",)), ("ok", ())]
