"""`mads key`: a key that is made opens the gateway until it is replaced or revoked, without a restart.

Covers the verb and `anonymous = false` of a running system. Does not cover who else may: tests/host/test_key_desk.py.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cli.shell import PATIENCE, PROJECT, Mads, up

COVERS = ("R-043",)

pytestmark = pytest.mark.slow


def opens(address: str, key: str = "") -> int:
    """Return the status that the gateway's page has for a key."""
    asked = urllib.request.Request(address.removesuffix("mcp"))  # noqa: S310  our own
    if key:
        asked.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE) as page:  # noqa: S310  our own
            return int(page.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_key_opens_the_gateway_until_it_is_revoked(tmp_path: Path) -> None:
    (tmp_path / "mads.toml").write_text(PROJECT.replace("port = 0", "port = 0\nanonymous = false"), encoding="utf-8")
    mads = Mads(tmp_path)
    with up(tmp_path) as (_, ready):
        address = ready["address"]
        assert ready["anonymous"] is False
        assert opens(address) == 401

        made = mads("key", "new", "ci", "--scope", "mads.parrot.*", "--expires", "12h")
        assert re.fullmatch(r"mads_1_\w{49}\n", made.stdout)
        assert "shown this once" in made.stderr
        first = made.stdout.strip()
        assert opens(address, first) == 200

        second = json.loads(mads("key", "rotate", "1", "--grace", "1h", "--json").stdout)
        assert (opens(address, first), opens(address, second["written"])) == (200, 200)
        assert mads("key", "revoke", "1").stdout == "key 1 of ci is revoked\n"
        assert (opens(address, first), opens(address, second["written"])) == (401, 200)

        listed = mads("key", "list")
        assert [line.split()[-1] for line in listed.stdout.splitlines()] == ["STATE", "revoked", "good"]
        assert [key["id"] for key in json.loads(mads("key", "list", "--json").stdout)] == [1, 2]
        assert first not in listed.stdout
        wrong = mads("key", "new", "ci", "--scope", "mads.parot.*", "--json")
        assert wrong.returncode == 2
        assert "no tool here fits" in json.loads(wrong.stdout)["error"]["message"]
        assert mads("key", "new", "ci", "--scope", "mads.>", "--expires", "soon").returncode == 2


def test_start_up_says_which_ways_in_are_open(tmp_path: Path) -> None:
    said: dict[str, str] = {}
    for anonymous in ("true", "false"):
        text = PROJECT.replace("port = 0", f"port = 0\nanonymous = {anonymous}")
        (tmp_path / "mads.toml").write_text(text, encoding="utf-8")
        process = Mads(tmp_path).begin("up")
        assert process.stdout is not None
        last = "Nothing listens on any other address. Ctrl-C ends it.\n"
        said[anonymous] = "".join(iter(process.stdout.readline, last))
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert "is the anonymous developer" in said["true"]
    assert "Whoever connects has to sign in" in said["false"]
    assert all("mads key new" in each for each in said.values())
