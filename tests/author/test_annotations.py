"""Annotations mean what they say, wherever and however their names are imported."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from mads.author.annotations import function_hints
from mads.author.declaration import declaration
from mads.wire.errors import DeclarationError

COVERS = ("R-021", "R-024")

ONE = """
from __future__ import annotations
import typing
from typing import TYPE_CHECKING
from mads import mad, tool

if TYPE_CHECKING:
    import collections.abc as shapes
    from nowhere_at_all import Unneeded
    from PACKAGE.other import Other, Parcel

if typing.TYPE_CHECKING:
    import PACKAGE.other

@mad
class One:
    other: Other
    same: PACKAGE.other.Other

    @tool
    async def pass_on(self, parcel: Parcel) -> shapes.Sequence[Parcel]:
        return [parcel]

def unneeded(it: Unneeded) -> None: ...
def nowhere(it: Missing) -> None: ...
def broken(it: "list[") -> None: ...
def nothing(it: shapes.Nothing) -> None: ...
"""

OTHER = """
from __future__ import annotations
from typing import TYPE_CHECKING
from mads import mad, message

if TYPE_CHECKING:
    from .one import One

@message
class Parcel:
    weight: int

@mad
class Other:
    one: One
"""

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Return a function that imports a module of a package in which two modules name each other."""
    package = tmp_path / f"pair_{tmp_path.name}"
    package.mkdir()
    (package / "one.py").write_text(ONE.replace("PACKAGE", package.name))
    (package / "other.py").write_text(OTHER)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return lambda name: importlib.import_module(f"{package.name}.{name}")


def test_two_mads_name_each_other_under_type_checking(load: Load) -> None:
    one, other = load("one"), load("other")

    assert [field.type for field in declaration(one.One).fields] == [other.Other, other.Other]
    assert [field.type for field in declaration(other.Other).fields] == [one.One]


def test_a_tool_takes_and_gives_what_only_checkers_import(load: Load) -> None:
    hints = function_hints(load("one").One.pass_on)

    assert hints["parcel"] is load("other").Parcel
    assert str(hints["return"]) == f"collections.abc.Sequence[{load('other').__name__}.Parcel]"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("unneeded", "from nowhere_at_all import Unneeded: No module named 'nowhere_at_all'"),
        ("nowhere", "named 'Missing'; write `from … import Missing` at its top"),
        ("broken", "is no type: Forward reference must be an expression"),
        ("nothing", "the annotation 'shapes.Nothing' is no type"),
    ],
)
def test_an_annotation_that_means_nothing_is_told_with_the_line_to_write(name: str, told: str, load: Load) -> None:
    with pytest.raises(DeclarationError) as error:
        function_hints(getattr(load("one"), name))

    assert told in str(error.value)
