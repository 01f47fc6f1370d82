"""What a tool asks is put to the person at the terminal, field by field."""

from __future__ import annotations

from enum import Enum
from typing import Literal

import pytest
from click.testing import CliRunner

from mads import message
from mads.author.form import form
from mads.cli.form import filled

COVERS = ("R-042",)


class Size(Enum):
    """How large."""

    SMALL = "s"
    LARGE = "l"


@message
class Order:
    """What is asked."""

    name: str
    size: Size
    cups: int = 1
    milk: bool = False
    note: str | None = None
    extras: tuple[Literal["sugar", "cocoa"], ...] = ()


PARAMS = {"message": "What may it be?", "requestedSchema": form(Order)}


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("Ana\ns\n2\ny\nhot\nsugar, cocoa\n", ["Ana", "s", 2, True, "hot", ["sugar", "cocoa"]]),
        ("Ana\nhuge\nl\n\n\n\n\n", ["Ana", "l", 1, False, None, None]),
    ],
)
def test_each_field_is_asked_for_with_its_choices_and_its_default(typed: str, answer: list[object]) -> None:
    with CliRunner().isolation(input=typed):
        given = filled(PARAMS)
    assert given["action"] == "accept"
    assert [given["content"].get(name) for name in ("name", "size", "cups", "milk", "note", "extras")] == answer


def test_who_goes_away_has_not_answered() -> None:
    with CliRunner().isolation(input="Ana\n"):
        assert filled(PARAMS) == {"action": "cancel"}
