"""`make runaway`: agents that never have enough, under one cap; what they were billed, and what the ledger says.

With JSON=1 the last line is one JSON object: bill, ledger and cap in millionths of a dollar, and refusals by reason.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from chaos.report import Broken
from runaway.rampage import Plan, Run, rampage

from mads.guard.budget.cap import said

PLACES = ("here", "process")
LONGEST = 55.0
"""Seconds that all of it may take."""


async def tried(run: str, within: float) -> Run:
    """Let the agents loose in one place; return what came of it, as far as it came."""
    found = Run(Plan(run))
    with tempfile.TemporaryDirectory(prefix="mads-runaway-") as folder:
        try:
            async with asyncio.timeout(within):
                await rampage(Path(folder), found)
        except Broken as broken:
            found.ended = str(broken)
        except TimeoutError:
            found.ended = f"it did not end within {within:.0f} s"
    return found


def shown(found: Run, seconds: float) -> str:
    """Return what came of one run, for people."""
    plan = found.plan
    refusals = "".join(f"\n    {count:5} refused by {reason}" for reason, count in found.refusals.items())
    return (
        f"\n{plan.conversations} conversations of a runaway agent, run = {plan.run!r}, "
        f"one cap of {said(plan.cap, 'USD')}, {seconds:.1f} s\n"
        f"    {found.requests} requests in {found.rounds} rounds; the kill cut {len(found.cut_off)} short, "
        f"and left {found.left} reserved\n"
        f"    billed {said(found.bill, 'USD')}, in the ledger {said(found.ledger, 'USD')}: "
        f"{found.disputed} lines are disputed, {found.lies} by a lie, and of {found.unknown} nobody knows\n"
        f"    reconciled with the bill, the ledger has {said(found.reconciled, 'USD')}{refusals}\n"
        + "".join(f"    BROKE: {what}\n" for what in found.broke)
    )


def figures(found: Run) -> dict[str, Any]:
    """Return what came of one run, for programs."""
    return {
        "run": found.plan.run,
        "bill": found.bill,
        "ledger": found.reconciled,
        "counted": found.ledger,
        "refusals": found.refusals,
    }


def main() -> int:
    """Run in each place; return 1 where something did not hold."""
    runs, began = list[Run](), time.monotonic()
    for run in sys.argv[1:] or PLACES:
        since = time.monotonic()
        runs.append(asyncio.run(tried(run, LONGEST - (since - began))))
        print(shown(runs[-1], time.monotonic() - since), flush=True)
    failed = sum(bool(found.broke) for found in runs)
    print(f"{len(runs) - failed} passed, {failed} failed")
    if os.environ.get("JSON") == "1":
        worst = max(runs, key=lambda it: it.bill)
        told = {"passed": len(runs) - failed, "failed": failed, "cap": worst.plan.cap, **figures(worst)}
        print(json.dumps({**told, "runs": [figures(it) for it in runs]}))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
