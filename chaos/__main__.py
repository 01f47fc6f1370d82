"""Every fault on purpose: that it happened, and what came of it; `JSON=1` gives one JSON object on the last line."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from chaos.clock import clock_jump
from chaos.kills import kills
from chaos.misbehaviour import MISDEEDS, misbehaves
from chaos.power import power_cuts
from chaos.report import Broken, Outcome, line, tell
from chaos.storage import corrupt_database, corrupt_log, full_disk

FAULTS: dict[str, Callable[[Path], Awaitable[Outcome]]] = {
    "kill -9 under load": kills,
    "power cuts, torn sectors": power_cuts,
    "full disk": full_disk,
    "corrupt log": corrupt_log,
    "corrupt database": corrupt_database,
    "clock jump": clock_jump,
    **{fault: misbehaves(fault) for fault in MISDEEDS},
}


async def run(fault: str, folder: Path) -> Outcome:
    """Run one fault in `folder` and print its row."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(240):
            outcome = await FAULTS[fault](folder)
    except Exception as error:  # noqa: BLE001  the others are to be tried all the same
        said = str(error) if isinstance(error, Broken) else f"{type(error).__name__}: {error}"
        outcome = Outcome(fault, "", "", said)
    print(f"{line(outcome)}  ({time.monotonic() - began:.1f} s)", flush=True)
    return outcome


def main() -> int:
    """Run every fault, or those that are named."""
    outcomes: list[Outcome] = []
    for fault in sys.argv[1:] or FAULTS:
        with tempfile.TemporaryDirectory(prefix="mads-chaos-") as folder:
            outcomes.append(asyncio.run(run(fault, Path(folder))))
    figures = {
        name: sum(outcome.figures.get(name, 0) for outcome in outcomes) for name in ("acknowledged", "lost", "kills")
    }
    ratios = [outcome.figures["p99_ratio"] for outcome in outcomes if "p99_ratio" in outcome.figures]
    tell(outcomes, figures | ({"p99_ratio": max(ratios)} if ratios else {}))
    return any(not outcome.passed for outcome in outcomes)


if __name__ == "__main__":
    sys.exit(main())
