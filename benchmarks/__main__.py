"""Every figure beside its baseline, in one run; `JSON=1` gives one JSON object on the last line.

With `PEERS=1` other people's runtimes are measured in the same run, where they are installed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from benchmarks import (
    bus,
    calls,
    commands,
    egress,
    flags,
    gateway,
    guards,
    install,
    ledger,
    models,
    peers,
    recall,
    rights,
    secrets,
    store,
    unix,
)
from benchmarks.report import Figures, table

FAMILIES: dict[str, Callable[[], Figures]] = {
    "bus in memory, beside asyncio.Queue": bus.run,
    "a call with all layers, beside asyncio.Queue": calls.run,
    "bus over a Unix socket, to a child process": unix.run,
    "MCP gateway, beside a bare low-level server": gateway.run,
    "store, beside one commit a row": store.run,
    "durable commands, beside a thread that commits in groups": commands.run,
    "a decision, beside a look into a dictionary": rights.run,
    "secrets, beside one commit a row": secrets.run,
    "reserve and commit, beside the two rows": ledger.run,
    "a flag, beside flagd's own evaluator": flags.run,
    "the guards of a call, beside asyncio.Queue": guards.run,
    "what leaves, looked at": egress.run,
    "a model's answer, beside OpenAI's own client": models.run,
    "recall, beside a scan": recall.run,
    "what a newcomer pays": install.run,
}


def main() -> None:
    """Run every family and print it as soon as it is there."""
    families = FAMILIES | ({"peers, beside asyncio.Queue": peers.run} if os.environ.get("PEERS") == "1" else {})
    figures: dict[str, float | None] = {}
    for name, run in families.items():
        measured = run()
        table(name, measured)
        figures |= measured
    if os.environ.get("JSON") == "1":
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
