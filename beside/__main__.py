"""One call lets fifty agents loose under one cap: here, and in runtimes that others wrote, with what was billed.

The provider is a process of its own on this machine, and bills by its own count. Each agent asks a model, which has it
call a tool, `TURNS` times over; each runtime is given the cap in the way that its own documentation names for it. With
`JSON=1` the last line is one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
import time

from beside.runtimes import RUNTIMES, Task
from msgspec import Struct
from msgspec.structs import asdict

from mads.testing.provider import Provider, Say, provider

AGENTS, TURNS = 50, 9
DELAY = 0.05
"""Seconds that the model takes: those that are asked at once are asked before any has answered."""

MODEL, IN, OUT = "gpt-4o", 2.5, 10.0
"""A model whose price all of them know, in dollars per million tokens."""

CAPS = {"tokens": 10_000, "calls": 50, "USD": 0.05}
DONE = 200


class Row(Struct, frozen=True):
    """What was billed under a cap, how many times that is the cap, and what became of the agents."""

    cap: float
    bill: float
    ratio: float
    done: int
    stopped: int
    why: str
    seconds: float


def billed(it: Provider, unit: str) -> float:
    """Return what the provider bills, by its own count, in `unit`."""
    seen = [one.billed for one in it.seen() if one.status == DONE]
    money = sum(came * IN + went * OUT for came, went in seen) / 1_000_000
    return {"calls": len(seen), "tokens": sum(map(sum, seen)), "USD": round(money, 6)}[unit]


def measured(runtime: str, unit: str) -> Row | None:
    """Let the agents loose under one cap; return what came of it, None where the runtime has no such cap."""
    cap, began = CAPS[unit], time.monotonic()
    with provider() as it:
        it.say(Say(delay=DELAY), always=True)
        ends = RUNTIMES[runtime](Task(it.url, MODEL, (IN, OUT), AGENTS, TURNS, unit, cap))
        if ends is None:
            return None
        bill = billed(it, unit)
    stopped = [end for end in ends if end != "done"]
    took = round(time.monotonic() - began, 1)
    return Row(cap, bill, round(bill / cap, 2), len(ends) - len(stopped), len(stopped), " ".join(stopped[:1]), took)


def line(runtime: str, unit: str, row: Row | None) -> str:
    """Return what is said of one runtime."""
    if row is None:
        return f"  {runtime:12} has no cap in {unit} that its agents share"
    return f"  {runtime:12} billed {row.bill:,} = {row.ratio} times the cap, {row.stopped} stopped: {row.why[:150]}"


def main() -> int:
    """Measure every runtime under every cap; fail where ours is billed for more than its cap."""
    told: dict[str, dict[str, Row | None]] = {}
    for unit, cap in CAPS.items():
        print(f"\n{AGENTS} agents at once, {TURNS} requests each, one cap of {cap:,} {unit}", flush=True)
        told[unit] = {}
        for runtime in RUNTIMES:
            told[unit][runtime] = measured(runtime, unit)
            print(line(runtime, unit, told[unit][runtime]), flush=True)
    if os.environ.get("JSON") == "1":
        print(
            json.dumps({unit: {name: row and asdict(row) for name, row in rows.items()} for unit, rows in told.items()})
        )
    return any(row.ratio > 1 for rows in told.values() if (row := rows["mads"]))


if __name__ == "__main__":
    sys.exit(main())
