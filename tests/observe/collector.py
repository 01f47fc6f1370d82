"""Receivers of OTLP: one that is not OpenTelemetry's own, in its own process, and one that fails as it is told to."""

from __future__ import annotations

import json
import socket
import subprocess
import sysconfig
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TAP = Path(sysconfig.get_path("scripts")) / "oteltap"


class Tap:
    """What has come to a receiver at `address`: the spans, as it printed them."""

    def __init__(self, address: str, process: subprocess.Popen[str]) -> None:
        self.address = address
        self._process = process

    def spans(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many spans, and return them."""
        assert self._process.stdout is not None
        return [json.loads(self._process.stdout.readline()) for _ in range(count)]


@contextmanager
def tap() -> Generator[Tap]:
    """Run a receiver for as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [TAP, "--port", str(port)], stdout=pipe, stderr=pipe, text=True, env={"PYTHONUNBUFFERED": "1"}
    )
    try:
        assert process.stdout is not None
        assert "Listening" in process.stdout.readline()
        yield Tap(f"http://127.0.0.1:{port}", process)
    finally:
        process.kill()
        process.communicate()


def attributes(span: dict[str, Any]) -> dict[str, str]:
    """Return the attributes of a span as texts."""
    return {it["key"]: str(next(iter(it["value"].values()))) for it in span["attributes"]}


class Collector(ThreadingHTTPServer):
    """Answers with `status`, once `may_answer` is set; `asked` is set with each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.asked, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()
        self.got: list[ExportTraceServiceRequest] = []
        self.address = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Take one batch."""
        server = self.server
        assert isinstance(server, Collector)
        body = self.rfile.read(int(self.headers["content-length"]))
        server.got.append(ExportTraceServiceRequest.FromString(body))
        server.asked.set()
        server.may_answer.wait()
        self.send_response(server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's name
        """Say nothing."""


@contextmanager
def collector() -> Generator[Collector]:
    """Run a collector for as long as the block lasts."""
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.may_answer.set()
        server.shutdown()
        server.server_close()
        thread.join()
