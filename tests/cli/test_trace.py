"""`mads trace` tells a person and a program what was done on behalf of a request.

Covers the verb. Does not cover what is recorded: tests/behaviour/test_record.py does.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.shell import Mads, up
from tests.host.posting import ROOT

COVERS = ("R-129", "R-130")

pytestmark = pytest.mark.slow

PROJECT = f"""
path = ["{ROOT}"]

[gateway]
port = 0

[mads]
shop = "tests.behaviour.market:Shop"
bank = {{ use = "tests.behaviour.market:Bank", run = "process" }}
"""
CARD = 'card={"number": "4556-7375", "owner": "Ana"}'


def test_a_request_is_told_as_a_tree_and_an_unknown_one_says_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "mads.toml").write_text(PROJECT, encoding="utf-8")
    mads = Mads(tmp_path)
    with up(tmp_path):
        assert mads("call", "shop.sell", "what=tea", CARD).stdout == "995 from Ana\n"
        failed = json.loads(mads("call", "shop.sell", "what=gin", CARD, "how=refuse", "--json").stdout)
        told = mads("trace", failed["error"]["request"])
        listed = mads("trace")
        bad = mads("trace", "--failed", "--json")
        unknown = mads("trace", "nothing")
        both = mads("trace", "x", "--failed")
    first, head, sell, charge, total = told.stdout.splitlines()
    assert first.startswith("trace ")
    assert "for operator" in first
    assert head.split()[:5] == ["AT", "ms", "WAITED", "TOOK", "CALL"]
    assert sell.split()[3:5] == ["shop.sell", "failed"]
    assert charge.split()[3:5] == ["bank.charge", "failed"]
    assert "  bank.charge" in charge
    assert charge.endswith("ValueError: card [sensitive] is not covered")
    assert "0.00034" in charge
    assert "access allowed (operator: allow mads.>)" in charge
    assert total.startswith("2 calls, 2 failed, ")
    assert total.endswith("cost 0.00034")
    assert [line.split()[2] for line in listed.stdout.splitlines()[1:]] == ["shop.sell", "shop.sell"]
    (line,) = json.loads(bad.stdout)
    assert (line["call"], line["calls"], line["failed"]) == ("shop.sell", 2, 2)
    assert "nothing is recorded under 'nothing': write the id of a trace" in unknown.stderr
    assert "leave out the ID, or them" in both.stderr
    assert [ran.returncode for ran in (told, unknown, both)] == [0, 2, 2]
