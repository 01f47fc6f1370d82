"""The type of a message says whether its values may travel by reference, and how deep they can be nested."""

import enum
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
import pytest

from mads import message
from mads.wire.shape import is_bounded, is_immutable

COVERS = ("R-036",)


class Colour(enum.Enum):
    """A closed choice."""

    RED = 1


@message
class Flat:
    """Immutable all the way down."""

    number: int
    when: datetime | None = None
    colour: Colour = Colour.RED
    rest: tuple[frozenset[str], ...] = ()


@message
class Chain:
    """Immutable, and as long as one likes."""

    next: "Chain | None" = None


@message
class Tags:
    """Frozen, and yet it can change."""

    tags: list[str]


@message
class Deep:
    """Frozen, and what it holds can change."""

    flat: Flat
    tags: tuple[Tags, ...]


@message
class Open:
    """It may hold anything."""

    anything: Any


class Changing(msgspec.Struct):
    """It can change."""

    number: int


IMMUTABLE = [
    (Flat, True),
    (Chain, True),
    (Tags, False),
    (Deep, False),
    (Open, False),
    (Changing, False),
    (int, True),
    (None, True),
    (UUID, True),
    (Literal["a", 1], True),
    (tuple[int, Flat], True),
    (tuple[int, list[int]], False),
    (frozenset[Flat], True),
    (list[int], False),
    (dict[str, int], False),
    (set[int], False),
    (Flat | None, True),
    (Tags | None, False),
    (Any, False),
    (msgspec.Raw, False),
]


@pytest.mark.parametrize(("type_", "immutable"), IMMUTABLE)
def test_only_what_nobody_can_change_may_travel_by_reference(type_: Any, immutable: bool) -> None:  # noqa: FBT001
    assert is_immutable(type_) is immutable


BOUNDED = [
    (Flat, True),
    (Deep, True),
    (Chain, False),
    (Open, False),
    (list[dict[str, Tags]], True),
    (list[Chain], False),
    (dict[str, Any], False),
    (msgspec.Raw, True),
]


@pytest.mark.parametrize(("type_", "bounded"), BOUNDED)
def test_a_type_that_names_every_part_bounds_its_depth(type_: Any, bounded: bool) -> None:  # noqa: FBT001
    assert is_bounded(type_) is bounded
