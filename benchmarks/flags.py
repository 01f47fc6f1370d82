"""What a flag costs: one that is the same for everybody, one with a rule and one that divides, beside flagd's own."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext  # pyright: ignore[reportMissingTypeStubs]  typed, but it does not say so

from mads.guard.flags.reading import read
from mads.host.flags import FileFlags, HostFlags, Tools
from mads.wire.call import Call, Identity, current

COUNT = 10_000
ROUNDS = 7

RULE = {"if": [{"and": [{"==": [{"var": "tenant"}, "acme"]}, {"in": ["pro", {"var": "plan"}]}]}, "on"]}
VARIANTS = {"variants": {"on": True, "off": False}, "defaultVariant": "off", "state": "ENABLED"}
FILE = json.dumps(
    {
        "flags": {
            "plain": VARIANTS,
            "ruled": {**VARIANTS, "targeting": RULE},
            "divided": {**VARIANTS, "targeting": {"fractional": [["on", 10], ["off", 90]]}},
        }
    }
)


def run() -> dict[str, float]:
    """Return microseconds of CPU time for each."""
    source = FileFlags(None, lambda: Tools((), ()))
    source.snapshot = read(FILE.encode(), "flags.json")
    flags, core = HostFlags(source, "shop"), FlagdCore()
    core.set_flags(FILE)
    about = EvaluationContext("c-1", {"tenant": "acme", "plan": "pro-yearly"})
    who = Identity("ana", "acme")
    current.set(Call(subject="mads.shop.buy", body=None, id="1", deadline=0.0, identity=who, conversation="c-1"))
    return {
        "flag_us": _each(lambda: flags("plain", False)),
        "flag_by_rule_us": _each(lambda: flags("ruled", False, plan="pro-yearly")),
        "flag_divided_us": _each(lambda: flags("divided", False)),
        "flagd_us": _each(lambda: core.resolve_boolean_value("plain", default_value=False, ctx=about)),
        "flagd_by_rule_us": _each(lambda: core.resolve_boolean_value("ruled", default_value=False, ctx=about)),
        "flagd_divided_us": _each(lambda: core.resolve_boolean_value("divided", default_value=False, ctx=about)),
    }


def _each(work: Callable[[], object]) -> float:
    """Return the microseconds of CPU time that `work` takes, the median of a few rounds."""
    costs: list[float] = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for _ in range(COUNT):
            work()
        costs.append((time.thread_time() - began) / COUNT * 1e6)
    return round(statistics.median(costs), 2)


if __name__ == "__main__":
    from benchmarks.report import report

    report("a flag, beside flagd's own evaluator", run())
