"""`requirements.toml` and the tests name each other, and neither claims what the other does not know.

Covers that every item is there with a status, that the tests which show it exist, and that a module's COVERS and the
items agree. Does not cover whether those tests show enough: that is what a reviewer is for.
"""

import ast
import tomllib
from collections import Counter
from typing import Literal

import msgspec

from tests.docs.papers import ROOT, all_tests, defined, modules_of_tests

COVERS = ("R-010", "R-014", "R-018")

ITEMS = 189


class Item(msgspec.Struct, forbid_unknown_fields=True):
    """One item: what it asks for, whether it is met, what is missing where it is partial, the tests that show it."""

    title: str
    status: Literal["met", "partial", "missing"]
    missing: str = ""
    tests: tuple[str, ...] = ()


def items() -> dict[str, Item]:
    """Return every item by its id."""
    tables = tomllib.loads((ROOT / "requirements.toml").read_text(encoding="utf-8"))
    return msgspec.convert(tables, dict[str, Item])


def covers(module: str) -> set[str]:
    """Return the items that a test module says it covers."""
    for statement in defined(module):
        match statement:
            case ast.Assign(targets=[ast.Name(id="COVERS")], value=value):
                return set(ast.literal_eval(value))
            case _:
                continue
    return set()


def shown() -> dict[str, set[str]]:
    """Return the items that each test module shows, as `requirements.toml` has it."""
    found: dict[str, set[str]] = {module: set() for module in modules_of_tests()}
    for name, item in items().items():
        for test in item.tests:
            found.setdefault(test.partition("::")[0], set()).add(name)
    return found


def test_every_item_is_there_once_and_in_order() -> None:
    assert list(items()) == [f"R-{number:03}" for number in range(1, ITEMS + 1)]


def test_what_is_met_or_partial_is_shown_by_a_test_and_what_is_missing_by_none() -> None:
    wrong = {name for name, item in items().items() if (item.status == "missing") == bool(item.tests)}
    assert wrong == set()


def test_what_is_partial_says_what_is_missing_and_nothing_else_does() -> None:
    wrong = {name for name, item in items().items() if (item.status == "partial") != bool(item.missing)}
    assert wrong == set()


def test_every_test_that_is_named_exists() -> None:
    named = {test for item in items().values() for test in item.tests}
    assert named - all_tests() == set()


def test_what_a_module_covers_is_what_the_items_name_it_for() -> None:
    said = {module: covers(module) for module in modules_of_tests()}
    wrong = {module: sorted(said.get(module, set()) ^ named) for module, named in shown().items()}
    assert {module: differing for module, differing in wrong.items() if differing} == {}


def test_the_summary_can_be_read() -> None:
    count = Counter(item.status for item in items().values())
    print(", ".join(f"{count[status]} {status}" for status in ("met", "partial", "missing")))  # noqa: T201  pytest -s
    for name, item in items().items():
        if item.status != "missing":
            print(f"{name} {item.status:8}{item.title}{item.missing and f' (not yet: {item.missing})'}")  # noqa: T201
    assert count.total() == ITEMS
