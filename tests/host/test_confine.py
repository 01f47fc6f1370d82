"""Work on what comes from outside is done in processes that can do nothing else, tried from within one of them.

Covers files, sockets, programs and other processes on a kernel that can. Does not cover memory and time, which have
limits of their own.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mads.host import workers as room
from mads.host.confine import lacking
from mads.host.workers import ProcessWorkers
from mads.wire.errors import Lost
from tests.egress.outside import outside, saying
from tests.host.escaping import at_work, trapped, tried

COVERS = ("R-102", "R-109")


@pytest.mark.slow
async def test_a_confined_worker_writes_in_its_folder_and_gets_nowhere_else(tmp_path: Path) -> None:
    assert lacking() == ""
    (tmp_path / "secret.txt").write_text("canary", encoding="utf-8")
    with closing(ProcessWorkers()) as workers:
        confined = workers.confined(str(tmp_path / "room"))
        async with outside(saying(b"")) as it:
            assert await confined.run(at_work, str(tmp_path / "room")) == ["mine", "yes"]
            met = await confined.run(tried, str(tmp_path / "room"), str(tmp_path), it.port)
            assert not it.asked
    assert set(met.values()) <= {"PermissionError", "OSError"}, met
    assert (tmp_path / "secret.txt").read_text(encoding="utf-8") == "canary"
    assert not (tmp_path / "new.txt").exists()


@pytest.mark.slow
async def test_what_a_confined_worker_answers_is_read_as_values_alone(tmp_path: Path) -> None:
    with closing(ProcessWorkers()) as workers:
        confined = workers.confined(str(tmp_path / "room"))
        with pytest.raises(Lost, match=r"that ran trapped answered with posix.mkdir, which is no value"):
            await confined.run(trapped, str(tmp_path / "trap"))
        assert await confined.run(at_work, str(tmp_path / "room")) == ["mine", "yes"]
    assert not (tmp_path / "trap").exists()


def test_where_the_system_cannot_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "lacking", lambda: "no Landlock")
    with closing(ProcessWorkers()) as workers, capture_logs() as said:
        assert workers.confined(str(tmp_path)) is workers
    assert [(line["log_level"], line["why"]) for line in said] == [("warning", "no Landlock")]
