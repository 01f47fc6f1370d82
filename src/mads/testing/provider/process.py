"""Start the provider, tell it what to say, and look at what it saw and what it bills."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from subprocess import PIPE, Popen
from typing import Any
from urllib.request import Request, urlopen

import msgspec
from msgspec import Struct

PATIENCE = 20.0
"""Seconds that it has to start and to answer questions about itself."""


class Say(Struct, frozen=True, omit_defaults=True):
    """What it does with one request; what is left empty is what it does by itself.

    By itself it answers the last message's own words, an instance of the schema that was asked for, or, where the last
    message is `call NAME {"a": 1}`, with a wish for that tool. `status` refuses, with `retry_after` seconds if given;
    `delay` waits so many seconds before the answer; `cut` ends a stream after so many chunks; `raw` is a body that may
    be no JSON; `usage` is what it claims (input, output) instead of its count; `model` is who it says that answered;
    `chunks` is how many pieces a stream has, `pause` the seconds between them.
    """

    text: str | None = None
    status: int = 200
    retry_after: float | None = None
    delay: float = 0.0
    cut: int | None = None
    raw: str | None = None
    usage: tuple[int, int] | None = None
    model: str | None = None
    chunks: int = 4
    pause: float = 0.0


class Seen(Struct, frozen=True):
    """A request as it came: when (seconds since 1970), where to, its headers, what it said, the code of the answer.

    `billed` are the tokens that the provider bills for it: what went in and what came out, in words.
    """

    at: float
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    status: int
    billed: tuple[int, int]


class Provider:
    """A provider that runs at `url`, the address below which OpenAI's API stands; `root` is the server's own."""

    def __init__(self, root: str) -> None:
        self.root, self.url = root, f"{root}/v1"

    def say(self, *says: Say, always: bool = False) -> None:
        """Have the next requests answered so, one each; `always` goes on with the last one."""
        self._post("/control/say", {"says": says, "always": always})

    def limit(self, requests: int | None = None, tokens: int | None = None) -> None:
        """Refuse with 429 whatever is more than this within any 60 seconds, and bill it not."""
        self._post("/control/limit", {"requests": requests, "tokens": tokens})

    def seen(self) -> Sequence[Seen]:
        """Return every request so far, in the order in which they came."""
        with urlopen(f"{self.root}/control/seen", timeout=PATIENCE) as answer:  # noqa: S310  our own address
            return msgspec.json.decode(answer.read(), type=list[Seen])

    def _post(self, path: str, body: Any) -> None:
        asked = Request(self.root + path, data=msgspec.json.encode(body), method="POST")  # noqa: S310  our own address
        with urlopen(asked, timeout=PATIENCE) as answer:  # noqa: S310
            answer.read()


@contextmanager
def provider() -> Generator[Provider]:
    """Run a provider in a process of its own, on a free port of the loopback interface, for as long as the block."""
    command = [sys.executable, "-m", "mads.testing.provider.server"]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:  # noqa: S603  our own module
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield Provider(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.stdin.close()  # it ends with whoever started it
            process.wait(PATIENCE)
