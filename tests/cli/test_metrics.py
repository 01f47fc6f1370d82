"""A scrape of a running system gives a page that Prometheus reads, in which no caller can make a series.

The page is read by Prometheus' own parsers. Does not cover who may ask for it: tests/gateway does.
"""

from __future__ import annotations

import os
import time
import urllib.request
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric, parser

from tests.cli.shell import PATIENCE, Mads, project_in, up

COVERS = ("R-128",)

pytestmark = pytest.mark.slow

_openmetrics: Any = import_module("prometheus_client.openmetrics.parser")

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Scraped:
    """A running system, and the page that it gives now."""

    def __init__(self, mads: Mads, ready: dict[str, Any]) -> None:
        self.mads, self.pids = mads, {status["mad"]: status["pid"] for status in ready["mads"]}
        self._address = ready["address"].removesuffix("mcp") + "metrics"

    def page(self, accept: str = "text/plain") -> tuple[str, str]:
        """Return the page and its content type."""
        request = urllib.request.Request(self._address, headers={"accept": accept})  # noqa: S310  our own
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310  as above
            return answer.read().decode(), answer.headers["content-type"]

    def families(self) -> list[Metric]:
        """Return what Prometheus' parser makes of the page."""
        return list(parser.text_string_to_metric_families(self.page()[0]))

    def series(self) -> Series:
        """Return the value of each series."""
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families()
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """Return the value of one."""
        return self.series()[name, frozenset(labels.items())]


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    folder = project_in(tmp_path_factory.mktemp("scraped"))
    with up(folder) as (_, ready):
        yield Scraped(Mads(folder), ready)


def test_calls_are_counted_by_outcome_and_duration(scraped: Scraped) -> None:
    scraped.mads("call", "parrot.repeat", "text=hi")
    scraped.mads("call", "parrot.choke")
    scraped.mads("call", "parrot.tell", 'spoke={"text": "there"}')
    scraped.mads("call", "witness.heard", "text=there")

    assert scraped.value("mads_calls_total", mad="parrot", tool="repeat", outcome="ok") == 1
    assert scraped.value("mads_calls_total", mad="parrot", tool="choke", outcome="failed") == 1
    assert scraped.value("mads_calls_total", mad="witness", tool="hear", outcome="ok") == 1
    assert scraped.value("mads_call_duration_seconds_count", mad="parrot", tool="choke") == 1
    assert scraped.value("mads_call_duration_seconds_bucket", mad="parrot", tool="repeat", le="+Inf") == 1
    assert 0 < scraped.value("mads_call_duration_seconds_sum", mad="parrot", tool="repeat") < PATIENCE


def test_every_mad_says_how_it_fares_and_what_its_process_takes(scraped: Scraped) -> None:
    for mad in ("parrot", "witness", "steward"):
        assert scraped.value("mads_state", mad=mad, state="running") == 1
        assert scraped.value("mads_inbox_waiting", mad=mad) >= 0
        assert scraped.value("mads_restarts_total", mad=mad) == 0
    pages = int(Path(f"/proc/{scraped.pids['witness']}/statm").read_text(encoding="ascii").split()[1])
    own = scraped.value("mads_memory_bytes", mad="witness", process="own")
    assert own == pytest.approx(pages * os.sysconf("SC_PAGE_SIZE"), rel=0.2)
    assert scraped.value("mads_memory_bytes", mad="parrot", process="shared") > 10**7


def test_no_caller_makes_a_series(scraped: Scraped) -> None:
    scraped.mads("call", "parrot.repeat", "text=hi")
    before = set(scraped.series())
    for name in ("parrot.evil", 'parrot.{x="1"}', "nobody.home"):
        scraped.mads("call", name)
    scraped.mads("call", "parrot.repeat", "text=0", "times=many")
    scraped.mads("call", "parrot.repeat", "text=evil", 'how="evil"')
    scraped.mads("chat", "parrot", "evil")
    after = set(scraped.series())
    assert {(name, dict(labels).get("tool")) for name, labels in after - before} <= {
        (name, tool)
        for tool in ("repeat", "chat", "answer")
        for name in ("mads_calls_total", "mads_call_duration_seconds_bucket")
    } | {(f"mads_call_duration_seconds_{part}", tool) for tool in ("chat", "answer") for part in ("sum", "count")}
    assert "evil" not in scraped.page()[0]


def test_a_mad_that_was_started_again_says_so(scraped: Scraped) -> None:
    os.kill(scraped.pids["witness"], 9)
    end = time.monotonic() + PATIENCE
    while scraped.value("mads_restarts_total", mad="witness") == 0:
        assert time.monotonic() < end
    assert sum(value for (name, _), value in scraped.series().items() if name == "mads_restarts_total") == 1


def test_the_page_is_well_formed_in_both_formats(scraped: Scraped) -> None:
    assert {family.name for family in scraped.families()} > {"mads_calls", "mads_memory_bytes", "mads_dead_letters"}
    assert all(family.documentation for family in scraped.families())
    text, kind = scraped.page("application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert list(_openmetrics.text_string_to_metric_families(text))
