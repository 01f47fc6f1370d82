"""`mads budget` and `mads cost`: what is spent is shown to whoever runs the system, and settled by hand after a crash.

Covers what an operator types and reads. Does not cover what is refused: tests/behaviour/test_budget.py does.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from mads.testing.provider import Provider, Say, provider
from tests.cli.shell import Mads, up

COVERS = ("R-070", "R-071")
pytestmark = pytest.mark.slow

TOML = """
[gateway]
port = 0

[budget]
system = "0.01 USD/day"

[mads.fiedler]
use = "mads.duos.fiedler:Fiedler"
may = ["net:{place}"]
budget = "40 calls"

[mads.fiedler.set]
policy = [{{ models = ["small"] }}]
providers.a = {{ url = "{url}", models.small = {{ id = "small", price = {{ input = 1, output = 2 }} }} }}
"""
ASK = ("call", "fiedler.complete", 'request={"messages": [{"role": "user", "text": "so it is"}]}')


@pytest.fixture
def billing() -> Generator[Provider]:
    with provider() as it:
        yield it


def test_what_a_crash_left_reserved_counts_until_it_is_settled_by_hand(tmp_path: Path, billing: Provider) -> None:
    place = billing.root.removeprefix("http://")
    (tmp_path / "mads.toml").write_text(TOML.format(place=place, url=billing.url), encoding="utf-8")
    mads = Mads(tmp_path)
    with up(tmp_path) as (process, _):
        assert mads(*ASK).returncode == 0
        billing.say(Say(delay=8))
        asking = mads.begin(*ASK)
        while not json.loads(mads("budget", "open", "--json").stdout):
            pass
        process.kill()
        process.wait()
        asking.communicate()
    with up(tmp_path):
        system, fiedler = json.loads(mads("budget", "--json").stdout)
        assert (system["cap"], system["unit"], system["most"]) == ("system: 0.01 USD/day", "USD", 10_000)
        assert 0 < system["spent"] < 20 < system["reserved"]
        assert (fiedler["name"], fiedler["spent"], fiedler["reserved"]) == ("fiedler", 1, 1)
        assert "mad fiedler: 40 calls" in mads("budget").stdout
        (opened,) = json.loads(mads("budget", "open", "--json").stdout)
        assert (opened["holder"], opened["what"]) == ("fiedler", "small")
        assert "small" in mads("budget", "open").stdout
        settled = mads("budget", "settle", str(opened["id"]), "--usd", "0.0005", "--input", "100")
        assert settled.stdout.strip() == f"reservation {opened['id']} is settled with 0.0005 USD"
        again = mads("budget", "settle", str(opened["id"]), "--nothing")
        assert (again.returncode, "mads budget open" in again.stderr) == (2, True)
        assert mads("budget", "settle", "3").returncode == 2
        (cost,) = json.loads(mads("cost", "--by", "model", "--json").stdout)
        assert (cost["name"], cost["spent"]["micro_usd"]) == ("small", system["spent"] + 500)
        assert "0.000" in mads("cost", "--by", "payer", "--last", "1h").stdout
