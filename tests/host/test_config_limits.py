"""`[[limits]]` in `mads.toml` is read strictly, and each mistake says its line and what to write.

Does not cover what the rules do: tests/guard/test_limits.py does.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads.guard.limits.gcra import SECOND, Pace
from mads.guard.limits.quota import Amount
from mads.guard.limits.rule import Rule
from mads.host.config import FILE, read_config
from mads.host.quantity import pace
from mads.wire.errors import ConfigError

COVERS = ("R-045",)

MADS = "mads = { scribe = 'scribe:Scribe' }\n"


def rules(root: Path, text: str) -> list[Rule]:
    """Return the rules that `text` is read as."""
    (root / FILE).write_text(MADS + text, encoding="utf-8")
    return [limit.rule() for limit in read_config(root).limits]


def test_a_rule_is_read_as_it_is_written(tmp_path: Path) -> None:
    text = """
[[limits]]
principal = "ana"
role = "guest"
tenant = "acme"
mad = "scribe"
tool = "mads.scribe.*"
each = ["principal", "tool"]
rate = "5/min"
burst = 2
at_once = 3
size = "1 MB"
reply = 500
quota = "1000/day"

[[limits]]
each = "system"
rate = "3/10 s"
"""
    full, short = rules(tmp_path, text)
    assert full == Rule(
        principal="ana",
        role="guest",
        tenant="acme",
        mad="scribe",
        tool="mads.scribe.*",
        each=("principal", "tool"),
        rate=Pace(12 * SECOND, 2, "5/min"),
        at_once=3,
        size=1_000_000,
        reply=500,
        quota=Amount(1000, "day"),
    )
    assert short == Rule(each=("system",), rate=Pace(3_333_333_334, 3, "3/10 s"))
    assert rules(tmp_path, "limits = [{ each = 'mad', at_once = 1 }]") == [Rule(each=("mad",), at_once=1)]
    assert rules(tmp_path, "") == []


@given(calls=st.integers(1, 10**9 - 1), span=st.sampled_from(["ms", "s", "min", "h", "d", "10 s", "0.5 h"]))
def test_a_pace_is_never_faster_than_its_rate(calls: int, span: str) -> None:
    units = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400, "10 s": 10, "0.5 h": 1800}
    interval = pace(f"{calls}/{span}", None).interval
    assert interval * calls >= units[span] * SECOND
    assert interval == 1 or (interval - 1) * calls < units[span] * SECOND


MISTAKES = [
    ("[limits]\nrate = '5/min'", "line 2: [[limits]]: is a list of tables; write [[limits]], once for each rule"),
    ("limits = 3", "line 2: [[limits]]: is a list of tables"),
    ("[[limits]]\n\nrat = '5/min'", "line 4: [[limits]] 1 rat: unknown key; did you mean 'rate'?"),
    ("[[limits]]\neach = 'mad'\nrate = 5", "line 4: [[limits]] 1 rate: write how many in which time, as in"),
    (
        "[[limits]]\neach = 'mad'\nrate = '0/s'",
        'line 4: [[limits]] 1 rate: write how many in which time, as in "5/min"',
    ),
    ("[[limits]]\neach = 'mad'\nquota = '7/week'", 'quota: write how many a day or a month, as in "1000/day"'),
    ("[[limits]]\nsize = '1 TB'", 'size: write a number of bytes above 0, or one with a unit, as in "512 MB"'),
    ("[[limits]]\neach = 'mad'\nburst = 0\nrate = '1/s'", "line 4: [[limits]] 1 burst: Expected `int` >= 1"),
    ("[[limits]]\neach = 'mad'\nburst = 3\nat_once = 1", "burst: is that of a rate; write one as well"),
    ("[[limits]]\neach = 'all'", "each: Invalid enum value 'all'; it is one of principal, role, tenant, mad, tool"),
    ("[[limits]]\nmad = 'scribe'", "line 2: [[limits]] 1: limits nothing; write one of rate, at_once, size, reply"),
    ("[[limits]]\nrate = '5/min'", "[[limits]] 1: counts calls; write who has a counter of their own: each ="),
    ("[[limits]]\neach = ['mad', 'mad']\nat_once = 1", "each: write each of them once"),
    ("[[limits]]\neach = ['system', 'mad']\nat_once = 1", "each: write each of them once, and system alone"),
    (
        "[[limits]]\nmad = 'scrib'\nsize = 1",
        "line 3: [[limits]] 1 mad: there is no MAD 'scrib'; did you mean 'scribe'?",
    ),
    ("[[limits]]\ntool = 'mads.scrib.*'\nsize = 1", "tool: there is no MAD 'scrib'; did you mean 'scribe'?"),
    ("[[limits]]\ntool = 'scribe.write'\nsize = 1", "tool: 'scribe.write' names no tools; write mads.NAME.TOOL"),
    ("[[limits]]\nprincipal = 'a b'\nsize = 1", "principal: the principal 'a b' is no name"),
    ("[[limits]]\nsize = 1\n[[limits]]\nsize = 0", "line 5: [[limits]] 2 size: write a number of bytes above 0"),
    ("[[limits]]\nsize = 1\n[[limits]]\nsize = 1", "line 4: [[limits]] 2: counts the same calls as rule 1"),
    (
        "[[limits]]\neach = 'mad'\nquota = '5/day'\n[[limits]]\neach = 'mad'\nat_once = 2\nquota = '6/day'",
        "line 5: [[limits]] 2: counts the same calls as rule 1; write what both say into one",
    ),
]


@pytest.mark.parametrize(("text", "said"), MISTAKES)
def test_a_mistake_is_told_with_its_line_and_what_to_write(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        rules(tmp_path, text)
    assert said in str(caught.value)


def test_a_month_beside_a_day_is_no_mistake(tmp_path: Path) -> None:
    text = "[[limits]]\neach = 'mad'\nquota = '5/day'\n[[limits]]\neach = 'mad'\nquota = '50/month'"
    assert len(rules(tmp_path, text)) == 2
