"""The provider's main: HTTP as OpenAI, Anthropic and Google speak it, deterministic, on a port that it prints.

It ends when its standard input does. Tokens are words: whoever counts otherwise can be seen to.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from mads.testing.provider.dialect import DIALECTS, Dialect
from mads.testing.provider.process import Say, Seen

MINUTE = 60.0


class State:
    """What the provider was told, and what it saw; used by many threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.says: list[Say] = []
        self.always = False
        self.requests: int | None = None
        self.tokens: int | None = None
        self.seen: list[Seen] = []
        self.let: list[tuple[float, int]] = []

    def next(self) -> Say:
        """Return what to do with the next request."""
        with self.lock:
            if not self.says:
                return Say()
            return self.says[0] if self.always and len(self.says) == 1 else self.says.pop(0)

    def admits(self, tokens: int) -> float | None:
        """Return None where the limits admit one more request, else the seconds until they may."""
        now = time.time()
        with self.lock:
            self.let = [(at, used) for at, used in self.let if at > now - MINUTE]
            many = self.requests is not None and len(self.let) >= self.requests
            much = self.tokens is not None and sum(used for _, used in self.let) + tokens > self.tokens
            if many or much:
                return max(0.0, self.let[0][0] + MINUTE - now) if self.let else MINUTE
            self.let.append((now, tokens))
            return None


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together
    disable_nagle_algorithm = True  # each piece of a stream leaves at once
    state: State

    def do_GET(self) -> None:
        """Say what was seen."""
        self._json(200, self.state.seen if self.path == "/control/seen" else {"data": []})

    def do_POST(self) -> None:
        """Take an order, or answer a request as a model would."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/control/"):
            self._told(msgspec.json.decode(body))
            return
        dialect = next((each for each in DIALECTS if each.speaks(self.path)), None)
        if dialect is None:
            self._json(404, {"error": {"message": f"nothing stands at {self.path}"}})
            return
        self._answer(dialect, msgspec.json.decode(body))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as in http.server
        """Say nothing."""

    def _told(self, order: dict[str, Any]) -> None:
        state = self.state
        with state.lock:
            if self.path == "/control/say":
                state.says, state.always = msgspec.convert(order["says"], list[Say]), order["always"]
            else:
                state.requests, state.tokens, state.let = order["requests"], order["tokens"], []
        self._json(200, {})

    def _answer(self, dialect: Dialect, body: dict[str, Any]) -> None:
        say = self.state.next()
        asked = dialect.read(self.path, body)
        reply = asked.reply(say)
        time.sleep(say.delay)
        wait = None if say.status != 200 else self.state.admits(sum(reply.billed))  # noqa: PLR2004
        status = 429 if wait is not None else say.status
        self._see(body, status, reply.billed if status == 200 else (0, 0))  # noqa: PLR2004
        if status != 200:  # noqa: PLR2004
            after = wait if wait is not None else say.retry_after
            self._json(status, {"error": {"message": f"told to answer {status}", "type": "told"}}, after)
        elif say.raw is not None:
            self._send(200, say.raw.encode(), "application/json")
        elif asked.streams:
            self._stream(dialect.chunks(reply, say.chunks), say)
        else:
            self._json(200, dialect.whole(reply))

    def _see(self, body: dict[str, Any], status: int, billed: tuple[int, int]) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.state.lock:
            self.state.seen.append(Seen(time.time(), self.path, headers, body, status, billed))

    def _stream(self, events: Iterator[bytes], say: Say) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, event in enumerate(events):
            time.sleep(say.pause)
            if number == say.cut:
                self.close_connection = True
                return
            self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _json(self, status: int, body: Any, retry_after: float | None = None) -> None:
        self._send(status, msgspec.json.encode(body), "application/json", retry_after)

    def _send(self, status: int, body: bytes, type_: str, retry_after: float | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", type_)
        self.send_header("Content-Length", str(len(body)))
        if retry_after is not None:
            self.send_header("Retry-After", f"{retry_after:.3f}")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    """The server; a client that leaves in the middle is nothing to tell of."""

    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until standard input ends."""
    Handler.state = State()
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)  # noqa: T201  whoever started it reads this
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
