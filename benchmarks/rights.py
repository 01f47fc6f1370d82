"""What a decision costs: by the table, with a condition in CEL, and of a rate, beside a look into a dictionary."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable

from mads.guard.limits.gcra import SECOND, Gcra, Pace
from mads.guard.rights.policy import Policy
from mads.guard.rights.rule import Rule, Target
from mads.wire.call import Call, Identity

COUNT = 20_000
ROUNDS = 7
WHEN = 'arguments.url.startsWith("https://docs.example.org/") && tenant == "acme" && "editor" in roles'


def run() -> dict[str, float]:
    """Return microseconds: where the table knows the caller, does not yet, and asks for the facts; and for a rate."""
    policy = Policy()
    policy.declare({f"mad{number}": (f"mads.mad{number + 1}.*",) for number in range(50)})
    rules = [Rule(f"role:role{number}", f"mads.mad{number}.*") for number in range(200)]
    policy.put([*rules, Rule("role:editor", "mads.marco.fetch", when=WHEN)], {}, 1)
    who = Identity("ana", "acme", roles=("role7", "editor"))
    plain, asked = Target("mads.mad7.read", read_only=True), Target("mads.marco.fetch")
    call = Call(subject=plain.name, body=None, id="1", deadline=math.inf, identity=who)
    table, known = {who.principal: True}, policy.known(plain)
    arguments = {"url": "https://docs.example.org/a", "depth": 3}

    def facts() -> dict[str, object]:
        return {**policy.facts(who, asked), "arguments": arguments, "conversation": "", "labels": []}

    def anew() -> None:
        known.clear()
        policy.decides(who, plain, dict)

    rate = Gcra(Pace(SECOND // 1_000_000, 1000))

    def paced() -> None:
        now = time.monotonic_ns()
        if not rate.wait(now):
            rate.take(now)

    assert policy.decides(who, plain, dict).allowed
    assert policy.decides(who, asked, facts).allowed
    return {
        "dictionary_us": _each(lambda: table[call.identity.principal]),
        "table_us": _each(lambda: policy.decides(call.identity, plain, dict)),
        "table_anew_us": _each(anew),
        "condition_us": _each(lambda: policy.decides(call.identity, asked, facts)),
        "gcra_us": _each(paced),
    }


def _each(work: Callable[[], object]) -> float:
    """Return the microseconds of CPU time that `work` takes, the median of a few rounds."""
    costs: list[float] = []
    for _ in range(ROUNDS):
        started = time.thread_time()
        for _ in range(COUNT):
            work()
        costs.append((time.thread_time() - started) / COUNT * 1e6)
    return round(statistics.median(costs), 3)


if __name__ == "__main__":
    from benchmarks.report import report

    report("rights", run())
