"""`mads secret`: written from standard input, granted, replaced, sealed; and a copy opens on no other machine.

Covers the verbs against a running system. Does not cover each error: tests/secrets does.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.shell import MADS, PROJECT, Mads, up

COVERS = ("R-091", "R-095", "R-096")

pytestmark = pytest.mark.slow

KEEPER = PROJECT + 'turing = "mads.duos.turing:Turing"\n'
WORD = "hunter2-hunter2"


def test_a_secret_is_written_granted_and_replaced_and_is_in_no_file(tmp_path: Path) -> None:
    (tmp_path / "mads.toml").write_text(KEEPER, encoding="utf-8")
    mads = Mads(tmp_path)
    with up(tmp_path):
        made = mads("secret", "set", "api/token", "--host", "api.example.org", "--expect", "0", "--json", stdin=WORD)
        assert json.loads(made.stdout)["version"] == 1
        again = mads("secret", "set", "api/token", "--expect", "0", stdin=WORD)
        assert (again.returncode, "its newest version is 1" in again.stderr) == (2, True)
        granted = json.loads(mads("secret", "grant", "parrot", "api/*", "--lease", "1h", "--json").stdout)
        assert granted == [{"mad": "parrot", "pattern": "api/*", "tenant": "default", "lease": 3600.0}]
        assert mads("secret", "rotate", "--root").stdout == "2 versions of secrets are under a new key\n"
        assert mads("secret", "get", "api/token", "--reveal").stdout == f"{WORD}\n"
        moved = mads("secret", "rotate", "--root", "--to", "file:other.key").stdout
        assert moved.endswith('they open with this alone, in mads.toml: [secrets] root = "file:other.key"\n')
        assert mads("secret", "get", "api/token", "--reveal").stdout == f"{WORD}\n"
        wrong = mads("secret", "rotate", "--root", "--to", "env:NOT_THERE")
        assert (wrong.returncode, "NOT_THERE" in wrong.stderr) == (2, True)
        assert mads("secret", "rotate", "api/token", "--to", "file:x").returncode == 2
        assert "write PATH, or --unwrap alone" in mads("secret", "get").stderr
        token = mads("secret", "get", "api/token", "--wrap").stdout
        assert "write PATH, or --unwrap alone" in mads("secret", "get", "other", "--unwrap", stdin=token).stderr
        assert mads("secret", "get", "--unwrap", stdin=token).stdout == f"{WORD}\n"
        assert "write --reveal, too" in mads("secret", "get", "api/token", "--version", "1").stderr
        assert "neither --set nor --tenant" in mads("secret", "rotate", "--root", "--set", stdin=WORD).stderr
        assert json.loads(mads("secret", "list", "--grants", "--tenant", "acme", "--json").stdout) == []
        assert "the tenant 'a b' is no name" in mads("secret", "set", "x", "--tenant", "a b", stdin=WORD).stderr
        assert WORD not in mads("secret", "list").stdout
        assert "path: api/token" in mads("secret", "get", "api/token").stdout
    (tmp_path / ".mads" / "root.key").unlink()
    (tmp_path / "mads.toml").write_text(f'{KEEPER}\n[secrets]\nroot = "file:other.key"\n', encoding="utf-8")
    with up(tmp_path):
        assert mads("secret", "get", "api/token", "--reveal").stdout == f"{WORD}\n"
    assert [path for path in tmp_path.rglob("*") if path.is_file() and WORD.encode() in path.read_bytes()] == []


def test_bytes_that_are_no_text_are_refused_with_what_to_write(tmp_path: Path) -> None:
    ran = subprocess.run(
        [MADS, "secret", "set", "x"], cwd=tmp_path, input=b"\xff\x00", capture_output=True, check=False
    )
    assert (ran.returncode, b"a secret is text in UTF-8; write bytes in base64" in ran.stderr) == (2, True)


def test_what_is_sealed_is_unsealed_after_each_start(tmp_path: Path) -> None:
    (tmp_path / "mads.toml").write_text(f"{KEEPER}\n[secrets]\nsealed = true\n", encoding="utf-8")
    mads, phrase = Mads(tmp_path), "correct horse battery"
    with up(tmp_path):
        sealed = mads("secret", "set", "api/token", stdin=WORD)
        assert (sealed.returncode, "mads secret unseal" in sealed.stderr) == (1, True)
        assert mads("secret", "unseal", stdin=phrase).stdout == "the secrets are open\n"
        assert mads("secret", "set", "api/token", stdin=WORD).returncode == 0
    with up(tmp_path):
        assert (
            json.loads(mads("secret", "unseal", "--json", stdin="another phrase").stdout)["error"]["code"] == "denied"
        )
        assert mads("secret", "unseal", stdin=phrase).returncode == 0
        assert mads("secret", "get", "api/token", "--reveal").stdout == f"{WORD}\n"
        assert mads("secret", "seal").stdout == "the secrets are sealed\n"
        assert mads("secret", "get", "api/token", "--reveal").returncode == 1


def test_a_copy_does_not_start_on_another_machine(tmp_path: Path) -> None:
    (tmp_path / "mads.toml").write_text(KEEPER, encoding="utf-8")
    with up(tmp_path):
        assert Mads(tmp_path)("secret", "set", "api/token", stdin=WORD).returncode == 0
    ran = Mads(tmp_path)("up", XDG_CONFIG_HOME=str(tmp_path / "elsewhere"))
    assert (ran.returncode, "bound = false" in ran.stderr) == (2, True)
