"""What the guards round a handler cost, each by itself and all of them, beside the handler and a queue's round trip.

Every guard has something to look at: a value that stands in, a flag of the tool, rights, a rate, a second version that
answers others, two breakers that know what is slow; nothing is off.
"""

from __future__ import annotations

import asyncio
import json
import math
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.calls import ROOT, queue_round_trips

from mads.guard.rights.policy import Policy
from mads.host.audit import Trail
from mads.host.breakers import BreakerConfig
from mads.host.canaries import CanaryConfig
from mads.host.config import Config, MadConfig
from mads.host.fallbacks import FallbackConfig
from mads.host.guards import Guards
from mads.host.layers import LAYERS, labels_of
from mads.host.limits import LimitConfig
from mads.host.serve import subjects
from mads.host.survey import survey
from mads.store.quotas.memory import MemoryQuotas
from mads.wire.call import Call, Handle, Identity, Reply
from mads.wire.record import Decision
from mads.wire.served import Served

COUNT, ROUNDS = 10_000, 7
TOOL = "mads.echo.say"
ON = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}
CALL = Call(
    subject=TOOL,
    body=None,
    id="1",
    deadline=math.inf,
    identity=Identity("ana", roles=("admin",)),
    conversation="c-4",  # one that the first version answers
)


def run() -> dict[str, float]:
    """Return microseconds of CPU time a call: of each guard, of all, and how many queue round trips those are."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "flags.json").write_text(json.dumps({"flags": {TOOL: ON}}), encoding="utf-8")
        guards, served = _guards(folder)
    bare = asyncio.run(_handled(_handle))
    queue = asyncio.run(_queue())
    each = {name: asyncio.run(_handled(guards.layers[name](served)(_handle))) - bare for name in guards.layers}
    handle: Handle = _handle
    for name in reversed([name for name in LAYERS if name in guards.layers]):
        handle = guards.layers[name](served)(handle)
    whole = asyncio.run(_handled(handle)) - bare
    figures = {f"{name}_us": round(took, 3) for name, took in each.items()}
    return {"handler_us": round(bare, 3), **figures, "guards_us": round(whole, 3), "queues": round(whole / queue, 2)}


def _guards(folder: str) -> tuple[Guards, Served]:
    config = Config(
        mads={name: MadConfig("benchmarks.echo:Echo") for name in ("echo", "next")},
        path=(str(ROOT),),
        root=folder,
        flags="flags.json",
        limits=(LimitConfig(principal="ana", each="principal", rate="1000000/s"),),
        breakers=(BreakerConfig(mad="echo", slow="1 s"), BreakerConfig(tool=TOOL, slow="1 s")),
        fallbacks=(FallbackConfig(tool=TOOL, value=0),),
        canaries=(CanaryConfig(mad="echo", use="next", shadow=0.0),),
    )
    declared = survey(config).declared
    labels = labels_of(config, declared)
    guards = Guards(config, declared, Policy(labels), Trail(), labels)
    guards.flags.open()
    guards.book.store = MemoryQuotas()
    return guards, subjects("echo", declared["echo"])[TOOL]


REPLY = Reply(decisions=(Decision("said", allowed=True, rule="by the handler"),))


async def _handle(_: Call) -> Reply:
    return REPLY


async def _handled(handle: Handle) -> float:
    """Return the microseconds of CPU time of a handler behind guards, which answers as it should."""
    assert (await handle(CALL)).failure is None
    costs: list[float] = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for _ in range(COUNT):
            await handle(CALL)
        costs.append((time.thread_time() - began) / COUNT * 1e6)
    return statistics.median(costs)


async def _queue() -> float:
    began = time.thread_time()
    await queue_round_trips(COUNT)
    return (time.thread_time() - began) / COUNT * 1e6


if __name__ == "__main__":
    from benchmarks.report import report

    report("guards", run())
