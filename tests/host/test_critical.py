"""A critical event that cannot be what it says is a mistake that is told before anything starts.

Covers what the classes of a system say. Does not cover what happens to events while it runs: the behaviour tests do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mads import message
from mads.host.config import read_config
from mads.host.survey import survey
from mads.wire.errors import ConfigError
from mads.wire.shape import loose

COVERS = ("R-027", "R-031")

MODULE = '''
from typing import Any, Literal
from msgspec import Struct
from mads import mad, message, on

{event}

@mad
class Vault:
    """You keep secrets."""

    {hears}
'''
HEARS = "@on(Rotated)\n    async def hear(self, event: Rotated) -> None:\n        ..."

Look = Callable[..., list[str]]


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Look:
    """Return what is said of a system with one MAD, `vault`, and one event."""

    def look(event: str, hears: str = HEARS) -> list[str]:
        module = f"vault_{abs(hash((request.node.nodeid, event)))}"
        (tmp_path / f"{module}.py").write_text(MODULE.format(event=event, hears=hears), encoding="utf-8")
        (tmp_path / "mads.toml").write_text(f'[mads]\nvault = "{module}:Vault"\n', encoding="utf-8")
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
        try:
            survey(read_config(tmp_path))
        except ConfigError as error:
            return [line.replace(f"{module}.", "") for line in str(error).splitlines()]
        return []

    return look


def test_a_typed_event_with_an_owner_and_a_hearer_is_fine(look: Look) -> None:
    assert (
        look('@message(critical=True, owner="vault")\nclass Rotated:\n    name: str\n    how: Literal["a", "b"]') == []
    )


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (
            "@message(critical=True)\nclass Rotated:\n    name: str",
            'Rotated is critical and nobody answers for it; write @message(critical=True, owner="vault")',
        ),
        (
            '@message(critical=True, owner="turing")\nclass Rotated:\n    name: str',
            (
                "Rotated is critical and its owner 'turing' is no MAD of this system, which has vault, steward; write "
                '@message(critical=True, owner="…") with one of them, or turing = "module:Class" under [mads]'
            ),
        ),
        (
            '@message(critical=True, owner="vault")\nclass Rotated:\n    what: dict[str, Any]',
            (
                "Rotated is critical and 'what[]' may be anything; "
                "give it a type of plain data, or a @message class with its fields"
            ),
        ),
        (
            '@message(critical=True, owner="vault")\nclass Rotated(Struct, frozen=True):\n    name: str',
            (
                "Rotated is critical and takes any field; "
                "write `class Rotated(Struct, frozen=True, forbid_unknown_fields=True):`"
            ),
        ),
    ],
)
def test_what_is_critical_but_not_typed_or_owned_is_told_with_the_line_to_write(
    look: Look, event: str, said: str
) -> None:
    assert look(event) == [said]


def test_a_critical_event_that_nobody_hears_is_told(look: Look) -> None:
    assert look('@message(critical=True, owner="vault")\nclass Rotated:\n    name: str', hears="") == [
        (
            "Rotated is critical and nobody hears it; "
            "write @on(Rotated) above `async def …(self, event: Rotated) -> None:` of a MAD"
        )
    ]


def test_all_mistakes_are_told_at_once(look: Look) -> None:
    said = look("@message(critical=True)\nclass Rotated:\n    a: Any\n    b: list[dict[str, object]]", hears="")
    assert [line.partition(" critical and ")[2].split(" ")[0] for line in said] == [
        "nobody",
        "nobody",
        "'a'",
        "'b[][]'",
    ]


class Open(msgspec.Struct, frozen=True):
    """A class that takes any field."""

    x: int


@message
class Closed:
    """A class that takes its own."""

    x: int
    again: Closed | None = None


@pytest.mark.parametrize(
    ("type_", "where"),
    [
        (int, []),
        (dict[str, int], []),
        (Closed, []),
        (list[Closed | None], []),
        (tuple[int, Closed], []),
        (dict, ["[]"]),
        (list, ["[]"]),
        (list[Any], ["[]"]),
        (dict[str, list[Any]], ["[][]"]),
        (Open, [""]),
        (int | list[Open], ["[]"]),
        (msgspec.Raw, [""]),
        (object, [""]),
    ],
)
def test_a_loose_part_of_a_type_is_found(type_: Any, where: list[str]) -> None:
    assert loose(type_) == where
