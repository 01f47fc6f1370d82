"""`mads model`: what lies on this machine, without a system that runs.

Covers the verb. Does not cover what a model answers: tests/duos/test_fiedler_local.py does.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from mads.cli import run

COVERS = ("R-083",)


def test_a_model_is_added_listed_and_removed_at_the_keyboard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mads.toml").write_text('[mads]\nscribe = "scribe:Scribe"\n')
    (tmp_path / "tiny.gguf").write_bytes(b"GGUF and more")
    assert run(["model", "add", "tiny.gguf", "--json"]) == 0
    digest = msgspec.json.decode(capsys.readouterr().out)["sha256"]
    assert run(["model", "add", "tiny.gguf", "--name", "other", "--sha256", "00"]) == 2
    assert digest in capsys.readouterr().err
    assert run(["model", "list"]) == 0
    assert digest[:16] in capsys.readouterr().out
    assert run(["model", "remove", "tiny"]) == 0
    assert run(["model", "remove", "tiny"]) == 2
    assert "add one: mads model add" in capsys.readouterr().err
