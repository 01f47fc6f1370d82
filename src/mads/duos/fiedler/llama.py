"""The main of a process that holds one local model: requests in on standard input, pieces of answers out, a line each.

It ends with whoever started it: when standard input does. The door that its library opens takes a key nobody has.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, TextIO

CONTEXT = 4096
"""How many tokens a request and its answer may have together."""


class Answering:
    """Answers requests side by side; those that nobody wants any more are stopped at the next token."""

    def __init__(self, server: Any, out: TextIO) -> None:
        self._server, self._out = server, out
        self._lock, self._gone = threading.Lock(), set[int]()

    def take(self, line: dict[str, Any]) -> None:
        """Begin to answer, or stop."""
        if "body" not in line:
            self._gone.add(line["id"])
            return
        threading.Thread(target=self._answer, args=(line["id"], line["what"], line["body"]), daemon=True).start()

    def _answer(self, id_: int, what: str, body: dict[str, Any]) -> None:
        def piece(said: Any) -> bool:
            self.say({"id": id_, "said": said})
            return id_ in self._gone

        ask: Callable[..., None] = getattr(self._server, what)
        try:
            ask(body, piece)
            self.say({"id": id_, "end": ""})
        except Exception as error:  # noqa: BLE001  whatever it is, whoever asked is told
            self.say({"id": id_, "end": f"{type(error).__name__}: {error}"})
        self._gone.discard(id_)

    def say(self, line: dict[str, Any]) -> None:
        """Write one line."""
        with self._lock:
            self._out.write(json.dumps(line) + "\n")
            self._out.flush()


def main() -> None:
    """Load the model in the file that is named, say so, and answer until standard input ends."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the library prints is no answer
    xllamacpp: Any = import_module("xllamacpp")  # an optional package, without types

    params = xllamacpp.CommonParams()
    params.model.path = sys.argv[1]
    params.n_ctx, params.n_parallel, params.ui, params.verbosity = CONTEXT, 1, False, 0
    for cpu in (params.cpuparams, params.cpuparams_batch):  # one core is left to others: threads that spin starve them
        cpu.n_threads, cpu.poll = max(1, (os.cpu_count() or 2) - 1), 0
    params.api_keys = [os.urandom(32).hex()]
    answering = Answering(xllamacpp.Server(params), out)
    answering.say({"ready": True})
    for line in sys.stdin:
        answering.take(json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    main()
