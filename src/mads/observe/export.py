"""Traces that are worth showing, on their way to a collector: off the loop, bounded, and never a reason to wait."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import queue
import threading
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from math import inf
from uuid import uuid4

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from mads.observe import semconv
from mads.observe.otel import is_named, readable
from mads.observe.span import Span
from mads.observe.tail import Rules, Seen, Tail
from mads.wire.record import Entry

MOST = 10_000
"""How many entries may wait to be looked at, and how many spans to be sent; what is more is dropped and counted."""

BATCH = 512
"""How many spans are sent at once."""

PAUSE = 0.2
"""Seconds between two looks at whether a trace has ended."""

DELAY_MS = 500.0
"""Milliseconds between a decision and its sending, in which more may come."""

TIMEOUT = 5.0
"""Seconds that a collector has to take a batch, repeated attempts included."""

GRACE = 0.4
"""Seconds in which what is left is sent once the system stops."""


class Export:
    """Takes what was recorded with `offer`, decides, and sends it to the collector at `address` (OTLP over HTTP)."""

    def __init__(self, address: str, rules: Rules, service: str) -> None:
        self._exporter = _Told(OTLPSpanExporter(f"{address.rstrip('/')}/v1/traces", timeout=TIMEOUT), address)
        self._tail = Tail(rules)
        self._resource = Resource.create(
            {
                semconv.SERVICE_NAME: service,
                semconv.SERVICE_VERSION: version("mads"),
                semconv.SERVICE_INSTANCE: str(uuid4()),
                semconv.PROCESS_PID: os.getpid(),
            }
        )
        self._news: queue.SimpleQueue[Sequence[Seen] | None] = queue.SimpleQueue()
        self._waiting = self._handed = self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="mads-export", daemon=True)
        self._thread.start()

    def offer(self, batch: Sequence[Seen]) -> None:
        """Have a batch of entries looked at; never waits."""
        if self._waiting + len(batch) > MOST:
            self._dropped += len(batch)
            return
        self._waiting += len(batch)
        self._news.put(batch)

    def heard(self, spans: Sequence[Span], entries: Sequence[Entry]) -> None:
        """Have what was recorded looked at; never waits."""
        self.offer([Seen(entry, span.call.context) for span, entry in zip(spans, entries, strict=True)])

    def counts(self) -> dict[str, int]:
        """Return how many spans were sent, could not be sent, and were dropped because too many waited."""
        return {"sent": self._exporter.sent, "failed": self._exporter.failed, "dropped": self._dropped}

    async def close(self) -> None:
        """Send what is left, as far as `GRACE` allows."""
        self._news.put(None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                while self._thread.is_alive():
                    await asyncio.sleep(0.01)
        if left := self._handed - self._exporter.sent - self._exporter.failed:
            structlog.get_logger().warning("spans were not exported", spans=left)

    def _run(self) -> None:
        processor = BatchSpanProcessor(self._exporter, 2 * MOST, DELAY_MS, BATCH, 1000 * TIMEOUT)
        while True:
            try:
                batch = self._news.get(timeout=PAUSE)
            except queue.Empty:
                batch = ()
            if batch is None:
                self._hand(processor, self._tail.ripe(inf))
                processor.shutdown()  # type: ignore[no-untyped-call]  # the SDK's
                return
            self._waiting -= len(batch)
            now = time.monotonic()
            self._hand(processor, self._tail.add([seen for seen in batch if is_named(seen.entry)], now))
            self._hand(processor, self._tail.ripe(now))

    def _hand(self, processor: BatchSpanProcessor, traces: Iterable[Sequence[Seen]]) -> None:
        for trace in traces:
            if self._handed - self._exporter.sent - self._exporter.failed + len(trace) > MOST:
                self._dropped += len(trace)
                continue
            self._handed += len(trace)
            for seen in trace:
                processor.on_end(readable(seen, self._resource))


class _Told(SpanExporter):
    """Counts what another exporter sends; says so once when that begins to fail, and once when it works again."""

    def __init__(self, inner: SpanExporter, address: str) -> None:
        self.sent = self.failed = 0
        self._inner, self._address = inner, address
        self._works = True
        self._words = _Words()
        self._log = structlog.get_logger()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send `spans`."""
        self._words.said.clear()
        result = self._inner.export(spans)
        works = result is SpanExportResult.SUCCESS
        if works:
            self.sent += len(spans)
        else:
            self.failed += len(spans)
        if works != self._works:
            self._works = works
            if works:
                self._log.info("traces are exported again", to=self._address, lost=self.failed)
            else:
                self._log.warning("traces cannot be exported", to=self._address, why="; ".join(self._words.said))
        return result

    def shutdown(self) -> None:
        """Let go of the collector."""
        self._inner.shutdown()


class _Words(logging.Handler):
    """Keeps to itself what the SDK would say of each batch, each thing once."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, None] = {}
        log = logging.getLogger("opentelemetry")
        log.handlers, log.propagate = [self], False

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.said[record.getMessage()] = None
