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

COVERS = ("R-070", "R-071", "R-075")
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


def project(folder: Path, billing: Provider) -> Mads:
    """Return the command line of a system that asks this provider."""
    place = billing.root.removeprefix("http://")
    (folder / "mads.toml").write_text(TOML.format(place=place, url=billing.url), encoding="utf-8")
    return Mads(folder)


def test_what_a_crash_left_reserved_counts_until_it_is_settled_by_hand(tmp_path: Path, billing: Provider) -> None:
    mads = project(tmp_path, billing)
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


def test_one_bill_settles_all_that_is_open(tmp_path: Path, billing: Provider) -> None:
    mads = project(tmp_path, billing)
    with up(tmp_path) as (process, _):
        billing.say(Say(usage=(1, 1)), Say(), Say(delay=8), always=True)
        for _ in range(2):
            assert mads(*ASK).returncode == 0
        asking = [mads.begin(*ASK) for _ in range(3)]
        while len(json.loads(mads("budget", "open", "--json").stdout)) < 4:
            pass
        process.kill()
        process.wait()
        for each in asking:
            each.communicate()
    with up(tmp_path):
        assert "disputed: the provider says 0.000003 USD, 2 tokens" in mads("budget", "open").stdout
        opened = json.loads(mads("budget", "open", "--json").stdout)
        assert [each["stands"] for each in opened].count("unknown") == 3
        for wrong in ("nan", "inf", "-1", "1e400", "two"):
            for verb in (("reconcile",), ("settle", "1")):
                assert "is no amount; write dollars, as in 0.0042" in mads("budget", *verb, "--usd", wrong).stderr
        late = mads("budget", "reconcile", "--usd", "0.5", "--until", "2026-01-01")
        assert (late.returncode, "does somebody else use that key?" in late.stderr) == (2, True)
        twisted = mads("budget", "reconcile", "--usd", "0.5", "--since", "2026-11-24", "--until", "2026-11-24")
        assert (twisted.returncode, "later than --since" in twisted.stderr) == (2, True)
        bill = ("budget", "reconcile", "--usd", "0.0043205", "--model", "small", "--json")
        came = json.loads(mads(*bill).stdout)
        assert (came["lines"], came["ledger"], came["running"]) == (len(opened), 4321, 0)
        assert json.loads(mads("budget", "open", "--json").stdout) == []
        (cost,) = json.loads(mads("cost", "--json").stdout)
        found = [cost[each]["micro_usd"] for each in ("spent", "disputed", "reserved")]
        assert found == [4321, 0, 0]
        assert (json.loads(mads(*bill).stdout)["lines"], mads("budget", "reconcile", "--usd", "0").returncode) == (0, 2)
        assert "the book has 0.004321 USD" in mads("budget", "reconcile", "--usd", "0.004321").stdout


def test_one_command_stops_all_spending_until_it_is_resumed_whatever_is_restarted(
    tmp_path: Path, billing: Provider
) -> None:
    mads = project(tmp_path, billing)
    with up(tmp_path):
        assert mads("stop", "spend").returncode == 2
        assert mads("stop", "spend", "--why", "the bill is wrong").returncode == 0
        refused = mads(*ASK)
        assert (refused.returncode, "stopped by operator: the bill is wrong" in refused.stderr) == (1, True)
    with up(tmp_path) as (process, _):
        assert mads(*ASK).returncode == 1
        (stop,) = json.loads(mads("stop", "--json").stdout)
        assert (stop["what"], stop["by"], stop["why"]) == ("spend", "operator", "the bill is wrong")
        process.kill()
        process.wait()
    with up(tmp_path):
        assert "the bill is wrong" in mads("stop").stdout
        assert mads(*ASK).returncode == 1
        assert billing.seen() == []
        assert mads("resume", "spend").returncode == 0
        assert (mads("resume", "spend").returncode, mads(*ASK).returncode) == (2, 0)
        assert json.loads(mads("stop", "--json").stdout) == []
        said = [(row["subject"], row["rule"]) for row in json.loads(mads("audit", "list", "--json").stdout)]
        assert {("spend", "stopped: the bill is wrong"), ("spend", "resumed")} <= {*said}
