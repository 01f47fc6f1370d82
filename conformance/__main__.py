"""Every leg of the official suite, each scenario counted; `JSON=1` gives one JSON object on the last line."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping

from conformance import launch, strangers
from conformance.suite import FOLDER, run
from conformance.verdict import Leg, judged, known

LOGS = FOLDER / "logs"
REVISIONS = ("2025-11-25", "2026-07-28")


def mads(revision: str) -> Mapping[str, bool]:
    """Measure the MAD of the fixture, as it is offered by our own gateway."""
    with launch.system(LOGS / f"system-{revision}.log") as address:
        return run("server", revision, "--url", address, log=LOGS / f"mads-{revision}.log")


def upstream(revision: str) -> Mapping[str, bool]:
    """Measure a server that knows nothing of mads, at an address of which a system made a MAD."""
    with (
        launch.everything(LOGS / f"behind-{revision}.log") as behind,
        launch.relay(behind, LOGS / f"relay-{revision}.log") as address,
    ):
        return run("server", revision, "--url", address, log=LOGS / f"upstream-{revision}.log")


def client(revision: str) -> Mapping[str, bool]:
    """Measure our own client, by which MCP servers become MADs."""
    command = f"{sys.executable} -m conformance.turn"
    return run("client", revision, "--command", command, log=LOGS / f"client-{revision}.log")


LEGS: dict[str, Callable[[str], Mapping[str, bool]]] = {"mads": mads, "upstream": upstream, "client": client}


def measure(name: str) -> Leg:
    """Run one leg and print its row."""
    kind, _, revision = name.partition("-")
    began = time.monotonic()
    leg = judged(name, LEGS[kind](revision), known().get(name, {}))
    print(f"\n{name}: {len(leg.passed)} passed, {leg.failed} failed ({time.monotonic() - began:.0f} s)")
    for scenario, why in leg.expected.items():
        print(f"  known  {scenario}: {why}")
    for line in leg.wrong:
        print(f"  WRONG  {line}", flush=True)
    return leg


def visited() -> dict[str, dict[str, str]]:
    """Let clients that others wrote list and call; print a row for each, and return what was wrong with which."""
    found: dict[str, dict[str, str]] = {}
    with launch.system(LOGS / "system-strangers.log") as address:
        for client in strangers.CLIENTS:
            found[client] = strangers.visit(client, address.removesuffix("/mcp/suite"))
            wrong = {where: said for where, said in found[client].items() if said}
            print(f"\n{client} lists and calls: {len(found[client]) - len(wrong)} of {len(found[client])}", flush=True)
            for where, said in wrong.items():
                print(f"  WRONG  {where}: {said}", flush=True)
    return found


def main() -> int:
    """Run every leg, or those that are named, and the foreign clients last."""
    names = sys.argv[1:] or [*(f"{kind}-{revision}" for kind in LEGS for revision in REVISIONS), "strangers"]
    legs = [measure(name) for name in names if name != "strangers"]
    clients = visited() if "strangers" in names else {}
    passed, failed = sum(len(leg.passed) for leg in legs), sum(leg.failed for leg in legs)
    print(f"\n{passed} passed, {failed} failed")
    if os.environ.get("JSON") == "1":
        told = {
            leg.name: {"passed": len(leg.passed), "failed": leg.failed, "known": leg.expected, "wrong": leg.wrong}
            for leg in legs
        }
        print(json.dumps({"passed": passed, "failed": failed, "legs": told, "clients": clients}))
    return any(leg.wrong for leg in legs) or any(said for found in clients.values() for said in found.values())


if __name__ == "__main__":
    sys.exit(main())
