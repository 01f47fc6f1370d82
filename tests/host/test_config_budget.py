"""`[budget]` and the `budget` of a MAD are read strictly, and each mistake says its line and what to write.

Does not cover what the caps do: tests/guard/test_budget.py does.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mads.host.config import FILE, read_config
from mads.wire.errors import ConfigError

COVERS = ("R-071",)

MADS = "[mads]\nscribe = { use = 'scribe:Scribe', budget = ['2 USD/day', '50k tokens/hour'] }\n"


def titles(root: Path, text: str) -> list[tuple[str, int]]:
    """Return every cap that `text` is read as, in words, and how much of what it counts it is."""
    (root / FILE).write_text(MADS + text, encoding="utf-8")
    config = read_config(root)
    return [(it.title, it.most) for it in config.budget.caps({name: mad.budget for name, mad in config.mads.items()})]


def test_a_budget_is_read_as_it_is_written(tmp_path: Path) -> None:
    text = """
[budget]
system = ["20 USD/month", "1.5M tokens/day"]
tenant = "5 USD/day"
tenants.acme = "0.000001 USD"
conversation = "90 s"
call = "100 calls"
"""
    assert titles(tmp_path, text) == [
        ("system: 20 USD/month", 20_000_000),
        ("system: 1.5M tokens/day", 1_500_000),
        ("each tenant: 5 USD/day", 5_000_000),
        ("tenant acme: 0.000001 USD", 1),
        ("mad scribe: 2 USD/day", 2_000_000),
        ("mad scribe: 50k tokens/hour", 50_000),
        ("each conversation: 90 s", 90_000),
        ("each call: 100 calls", 100),
    ]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('[budget]\nsystem = "20 EUR/day"', 4, 'as in "2 USD/day", "50k tokens/hour" or "100 calls"'),
        ("[budget]\nsystem = 20", 4, "Expected `str | array`"),
        ('[budget]\nsystem = "0 USD"', 4, "2 USD/day"),
        ('[budget]\nsystem = "1.5 calls"', 4, "100 calls"),
        ('[budget]\ntenant = ["1 USD", "-1 USD"]', 4, "2 USD/day"),
        ('[budget]\ncall = "1 USD/week"', 4, "2 USD/day"),
        ('[budget]\nsistem = "1 USD"', 4, "did you mean 'system'?"),
        ('[budget]\ntenants."a b" = "1 USD"', 4, "the tenant"),
        ("budget = 3", 3, "expected a table"),
    ],
)
def test_a_mistake_says_its_line_and_what_to_write(tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        titles(tmp_path, text)
    assert said in str(caught.value)
    if text.startswith("["):
        assert f"line {line}:" in str(caught.value)
