"""The page of figures that Prometheus reads: what is counted anyway, put into its form when it asks.

A label is a name from `mads.toml` or from a MAD's class, or one of a list of ours: no caller can make a series.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from msgspec import Struct
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from mads.observe.meter import BOUNDS, Cell
from mads.wire.status import Status

MICRO = 1_000_000

STATES = ("starting", "running", "restarting", "ended", "quarantined", "stopped")
HEALTH = ("green", "yellow", "red")
BREAKER = ("closed", "half-open", "open")


class Figures(Struct, frozen=True, kw_only=True):
    """All that the page tells: of each tool by (MAD, name), of each MAD, of the system, of the spans exported."""

    cells: Mapping[tuple[str, str], Cell]
    mads: Sequence[Status]
    recording: int = 0
    left_out: int = 0
    exported: Mapping[str, int] = {}


async def page(figures: Figures, accepted: str) -> tuple[bytes, str]:
    """Return the page and its content type, in the format that is `accepted`, the header of that name.

    What is counted is read at once, and written in a thread: a thousand lines would hold up the loop.
    """
    registry = CollectorRegistry()
    registry.register(_Once([*_families(figures)]))
    encode, kind = choose_encoder(accepted)
    return await asyncio.to_thread(encode, registry), kind


class _Once(Collector):
    """What was read is read out once."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """Return it."""
        return self._families

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the names are not looked at before they are read."""
        return ()


def _families(figures: Figures) -> Iterator[Metric]:
    yield from _of_tools(figures.cells)
    yield from _of_mads(figures.mads)
    yield from _of_system(figures)


def _of_tools(cells: Mapping[tuple[str, str], Cell]) -> Iterator[Metric]:
    names = ("mad", "tool")
    calls = CounterMetricFamily(
        "mads_calls", "Calls that ended, by outcome: ok, or the code of the failure.", labels=(*names, "outcome")
    )
    took = HistogramMetricFamily("mads_call_duration_seconds", "How long a call was handled.", labels=names)
    running = GaugeMetricFamily("mads_calls_running", "Calls that are being handled.", labels=names)
    cost = CounterMetricFamily("mads_cost", "What calls cost outside of mads, in units of money.", labels=names)
    for labels, cell in sorted(cells.items()):
        failed = sum(cell.failures.values())
        for outcome, count in {"ok": sum(cell.buckets) - failed, **cell.failures}.items():
            calls.add_metric((*labels, outcome), count)
        counts = zip((*map(str, BOUNDS), "+Inf"), accumulate(cell.buckets), strict=True)
        took.add_metric(labels, [(bound, float(count)) for bound, count in counts], cell.seconds)
        running.add_metric(labels, cell.running)
        cost.add_metric(labels, cell.cost / MICRO)
    yield from (calls, took, running, cost)


def _of_mads(mads: Sequence[Status]) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("mads_inbox_waiting", "Calls that wait in a MAD's inbox.", labels=("mad",))
    dropped = CounterMetricFamily("mads_events_dropped", "Events that came to a full inbox, or late.", labels=("mad",))
    restarts = CounterMetricFamily("mads_restarts", "How often a MAD was started again.", labels=("mad",))
    blocked = CounterMetricFamily("mads_loop_blocked", "How often a MAD held up its event loop.", labels=("mad",))
    up = GaugeMetricFamily("mads_uptime_seconds", "Seconds since a MAD was started.", labels=("mad",))
    memory = GaugeMetricFamily(
        "mads_memory_bytes",
        "Resident memory of the process that a MAD runs in: its own, or the core's, which all that are shared have.",
        labels=("mad", "process"),
    )
    state = GaugeMetricFamily("mads_state", "1 for the state that a MAD is in.", labels=("mad", "state"))
    health = GaugeMetricFamily("mads_health", "1 for how a MAD fares.", labels=("mad", "health"))
    commands = GaugeMetricFamily("mads_commands_open", "Commands for a MAD that are not done.", labels=("mad",))
    breaker = GaugeMetricFamily(
        "mads_breaker", "1 for the state that the breaker of a MAD or of a tool is in.", labels=("mad", "of", "state")
    )
    stopped = GaugeMetricFamily("mads_stopped", "What of a MAD the operator has stopped.", labels=("mad",))
    dead = GaugeMetricFamily("mads_dead_letters", "Commands for a MAD that were given up.", labels=("mad",))
    refused = CounterMetricFamily(
        "mads_calls_refused", "Calls that were one too many: full, late or shed.", labels=("mad", "reason")
    )
    for it in mads:
        for reason, count in it.refused.items():
            refused.add_metric([it.mad, reason], count)
        commands.add_metric([it.mad], it.commands)
        dead.add_metric([it.mad], it.dead)
        waiting.add_metric([it.mad], it.waiting)
        dropped.add_metric([it.mad], it.dropped)
        restarts.add_metric([it.mad], it.restarts)
        blocked.add_metric([it.mad], it.blocked)
        up.add_metric([it.mad], it.uptime_s)
        memory.add_metric([it.mad, "own" if it.run == "process" else "shared"], it.rss_mb * MICRO)
        stopped.add_metric([it.mad], len(it.stops))
        for each in it.breakers:
            for name in BREAKER:
                breaker.add_metric([it.mad, each.what, name], each.state == name)
        for name in STATES:
            state.add_metric([it.mad, name], it.state == name)
        for name in HEALTH:
            health.add_metric([it.mad, name], it.health == name)
    yield from (
        waiting,
        refused,
        dropped,
        commands,
        dead,
        restarts,
        blocked,
        up,
        memory,
        state,
        health,
        breaker,
        stopped,
    )


def _of_system(figures: Figures) -> Iterator[Metric]:
    yield GaugeMetricFamily("mads_record_waiting", "Spans that wait to be recorded.", figures.recording)
    yield CounterMetricFamily("mads_record_left_out", "Spans that could not be recorded.", figures.left_out)
    exported = CounterMetricFamily(
        "mads_spans_exported", "Spans of traces that were kept, by what became of them.", labels=("result",)
    )
    for result, count in figures.exported.items():
        exported.add_metric([result], count)
    yield exported
