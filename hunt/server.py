"""A server on loopback that repeats what it is told, and keeps what it was asked: API, model provider, collector."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import cast


class Server(ThreadingHTTPServer):
    """The server; `asked` are the path, the head and the body of each request."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bytes, bytes]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def door(self) -> str:
        """Its host and port."""
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with what was asked."""
        head = str(self.headers).encode()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        cast("Server", self.server).asked.append((self.path, head, body))
        echo = head + body
        self.send_response(200)
        self.send_header("Content-Length", str(len(echo)))
        self.end_headers()
        self.wfile.write(echo)

    do_POST = do_GET  # noqa: N815  as above

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as above
        """Say nothing."""


@contextmanager
def serving() -> Generator[Server]:
    """Run a server for as long as the block lasts."""
    server = Server()
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
