"""What a flag is counts for a MAD wherever it runs, within a second of a change of the file.

Covers the need, a tool with a flag of its own, and changes. Does not cover rules: see tests/guard/test_flags.py.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from mads import CallError, InvalidMessage, Stopped
from mads.guard.principals import OPERATOR
from mads.host.flags import FileFlags, Tools
from mads.testing.placed import Placed, placed
from mads.wire.call import Identity
from mads.wire.errors import ConfigError
from tests.behaviour.conftest import ROOT

COVERS = ("R-132",)

PARTS = {"fractional": [["red", 50], ["blue", 50]]}
FLAGS: dict[str, Any] = {
    "price": {
        "state": "ENABLED",
        "variants": {"low": 8, "high": 12.5},
        "defaultVariant": "high",
        "targeting": {"if": [{"==": [{"var": "plan"}, "pro"]}, "low"]},
    },
    "colour": {"state": "ENABLED", "variants": {"red": "red", "blue": "blue"}, "targeting": PARTS},
    "mads.shop.new_till": {
        "state": "ENABLED",
        "variants": {"on": True, "off": False},
        "defaultVariant": "off",
        "targeting": {"if": [{"==": [{"var": "tenant"}, "acme"]}, "on"]},
    },
}
ACME = Identity("ana", "acme", roles=("admin",))


def written(folder: Path, flags: dict[str, Any]) -> Path:
    """Write a file of flags."""
    path = folder / "flags.json"
    path.write_text(json.dumps({"flags": flags}), encoding="utf-8")
    return path


def shop(folder: Path, placement: str) -> Any:
    """Return a system with a shop, in this place."""
    written(folder, FLAGS)
    return placed(folder, placement, path=(ROOT,), flags="flags.json", shop="tests.behaviour.shopper:Shop")


async def price(it: Placed, expected: float) -> None:
    """Wait until a price is what is expected."""
    async with asyncio.timeout(5):
        while await it.call("shop.price") != expected:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("placement", ["here", pytest.param("process", marks=pytest.mark.slow)])
async def test_a_flag_is_what_its_rule_says_of_the_caller_wherever_the_mad_runs(tmp_path: Path, placement: str) -> None:
    async with shop(tmp_path, placement) as it:
        assert await it.call("shop.price") == 12.5
        assert await it.call("shop.price", plan="pro") == 8.0
        colours = {await it.call("shop.colour", principal=Identity(f"ana{n}", roles=("admin",))) for n in range(40)}
        assert colours == {"red", "blue"}
        assert len({await it.call("shop.colour", principal=ACME) for _ in range(5)}) == 1
        assert await it.call("shop.misread") == 7
        found = await it.call("shop.open_feature", principal=ACME)
        mine = await it.call("shop.colour", principal=ACME)
        assert found == f"{mine} {mine} TARGETING_MATCH"


async def trouble(it: Placed, about: str) -> str:
    """Return what is wrong with the file, once that is about this."""
    async with asyncio.timeout(5):
        while about not in (said := await it.call("steward.flag_trouble", principal=OPERATOR)):
            await asyncio.sleep(0.02)
    return str(said)


@pytest.mark.parametrize("placement", ["here", pytest.param("process", marks=pytest.mark.slow)])
async def test_a_change_of_the_file_counts_at_once_and_a_broken_one_changes_nothing(
    tmp_path: Path, placement: str
) -> None:
    async with shop(tmp_path, placement) as it:
        path = tmp_path / "flags.json"
        path.write_text("{", encoding="utf-8")
        assert "the last good ones count" in await trouble(it, "last good")
        written(
            tmp_path,
            {
                **FLAGS,
                "price": {**FLAGS["price"], "state": "DISABLED"},
                "mads.shop.new_tills": FLAGS["mads.shop.new_till"],
            },
        )
        assert "did you mean mads.shop.new_till?; the last" in await trouble(it, "new_tills")
        assert await it.call("shop.price") == 12.5
        written(tmp_path, {**FLAGS, "price": {**FLAGS["price"], "defaultVariant": "low"}})
        await price(it, 8.0)
        await it.call("steward.flag_set", principal=OPERATOR, flag="price", default="high")
        await price(it, 12.5)
        await it.call("steward.flag_set", principal=OPERATOR, flag="price", enabled=False)
        await price(it, 10.0)
        kept = json.loads(path.read_text(encoding="utf-8"))["flags"]["price"]
        assert (kept["state"], kept["defaultVariant"]) == ("DISABLED", "high")
        rows = await it.call("steward.audit_list", principal=OPERATOR)
        assert [row["rule"] for row in rows if row["subject"] == "flag price"] == [
            "defaultVariant: high",
            "state: DISABLED",
        ]


async def test_of_many_changes_at_a_time_none_undoes_another(tmp_path: Path) -> None:
    path = written(tmp_path, {f"colour{n}": FLAGS["colour"] for n in range(8)})
    flags = FileFlags(path, lambda: Tools((), ()))
    flags.open()
    await asyncio.gather(*(flags.write(f"colour{n}", {"defaultVariant": "blue"}) for n in range(8)))
    assert {flag.default for flag in flags.snapshot.flags.values()} == {"blue"}


async def test_a_tool_whose_flag_is_false_for_the_caller_is_refused_and_says_so_in_the_list(tmp_path: Path) -> None:
    async with shop(tmp_path, "here") as it:
        assert await it.call("shop.new_till", principal=ACME) == "rung"
        with pytest.raises(Stopped, match=r"the flag mads\.shop\.new_till is off for this caller"):
            await it.call("shop.new_till")
        tools = await it.call("steward.tools", principal=OPERATOR)
        (till,) = [tool for tool in tools if tool["name"] == "mads.shop.new_till"]
        assert "is off for this caller" in till["stopped"]


async def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    async with shop(tmp_path, "here") as it:
        for tool, arguments, said in (
            ("flag_show", {"flag": "hue"}, "there are colour, mads.shop.new_till, price"),
            ("flag_set", {"flag": "price", "default": "top"}, "it has low, high"),
        ):
            with pytest.raises(InvalidMessage, match=said):
                await it.call(f"steward.{tool}", principal=OPERATOR, **arguments)
        with pytest.raises(CallError):
            await it.call("steward.flag_set", flag="price", enabled=False)
    (tmp_path / "flags.json").unlink()
    with pytest.raises(ConfigError, match=r"flags: .*flags.json cannot be read"):
        async with placed(tmp_path, "here", path=(ROOT,), flags="flags.json", shop="tests.behaviour.shopper:Shop"):
            pass
