"""A mistake in a table is told under its own key, with what to write, and without the values beside it."""

from __future__ import annotations

from typing import Any

import pytest

from mads.duos.fiedler.config import Policy, Providers
from mads.host.misfits import misfits

COVERS = ("R-024",)

KEY = "sk-CANARY-777"


def provider(**more: Any) -> dict[str, Any]:
    return {"url": "https://example.org", "key": KEY, "models": {"small": "m"}} | more


@pytest.mark.parametrize(
    ("value", "type_", "told"),
    [
        ({"a": provider()}, Providers, []),
        ({"a": provider(requsts=5)}, Providers, ["set.a.requsts: unknown key; did you mean 'requests'?"]),
        ({"a": provider(requests="5")}, Providers, ["set.a.requests: Expected `int | null`, got `str`"]),
        (
            {"a": provider(requests=-1, zzzz=KEY), "b": provider(tokens=True)},
            Providers,
            [
                "set.a.requests: Expected `int` >= 1",
                "set.a.zzzz: unknown key; it may have models, api, url, key, requests, tokens, place, personal",
                "set.b.tokens: Expected `int | null`, got `bool`",
            ],
        ),
        ({"a": {"models": {}}}, Providers, ["set.a.models: Expected `object` of length >= 1"]),
        ({"a": {"url": KEY}}, Providers, ["set.a: Object missing required field `models`"]),
        (
            {"a": provider(models={"small": {"id": "m", "prise": 1}})},
            Providers,
            ["set.a.models.small.prise: unknown key; did you mean 'price'?"],
        ),
        ([{"models": ["a"]}, {"models": ["a"], "hedg": 1}], Policy, ["set 2.hedg: unknown key; did you mean 'hedge'?"]),
        (KEY, Providers, ["set: Expected `object`, got `str`"]),
    ],
)
def test_a_mistake_is_told_where_it_stands_and_nothing_that_stands_beside_it(
    value: Any, type_: Any, told: list[str]
) -> None:
    assert list(misfits("set", value, type_)) == told
    assert not any(KEY in line for line in told)
