"""A message is a frozen value with a versioned wire name."""

import pickle
import subprocess
import sys
from typing import Any, Generic, TypeVar

import msgspec
import pytest

from mads import message
from mads.author.message import is_message, subject, wire_name
from mads.wire import codec
from mads.wire.errors import DeclarationError, InvalidMessage

COVERS = ("R-022", "R-036")

T = TypeVar("T")


@message
class Point:
    """Where it is."""

    x: int
    y: int = 0


@message(name="shop.Order", version=3)
class Order:
    """What is wanted."""

    items: list[str] = []  # noqa: RUF012  each order has its own


@message
class Labelled(Point):
    """Where it is, and what."""

    label: str = ""


@message
class Page(Generic[T]):
    """Some of many."""

    items: list[T]

    def first(self) -> T:
        """Return the first item."""
        return self.items[0]


def test_a_message_travels_under_its_module_name_and_version() -> None:
    assert wire_name(Point) == f"{__name__}.Point.v1"
    assert wire_name(Order) == "shop.Order.v3"
    assert subject(Order) == "event.shop.Order.v3"


def test_a_message_of_the_main_module_is_named_after_its_file(tmp_path: Any) -> None:
    (tmp_path / "shop.py").write_text(
        "from mads import message\nfrom mads.author.message import wire_name\n"
        "@message\nclass Order:\n    id: int\nprint(wire_name(Order))\n"
    )

    ran = subprocess.run([sys.executable, tmp_path / "shop.py"], capture_output=True, text=True, check=True)

    assert ran.stdout == "shop.Order.v1\n"


def test_a_message_is_a_value() -> None:
    assert Point(1, y=2) == Point(x=1, y=2) != Point(1, 3)
    assert hash(Point(1)) == hash(Point(1, 0))
    assert repr(Point(1)) == "Point(x=1, y=0)"
    assert pickle.loads(pickle.dumps(Point(1))) == Point(1)  # noqa: S301
    assert (Order().items, Order().items is Order().items) == ([], False)
    with pytest.raises(AttributeError, match="immutable type: 'Point'"):
        setattr(Point(1), "x", 2)  # noqa: B010


def test_a_message_keeps_its_docstring_and_methods() -> None:
    assert Point.__doc__ == "Where it is."
    assert Page(["a", "b"]).first() == "a"
    assert codec.decode(codec.encode(Page([Point(1)])), Page[Point]) == Page([Point(1)])


def test_a_message_extends_another_under_a_name_of_its_own() -> None:
    labelled = Labelled(1, 2, "here")

    assert wire_name(Labelled) == f"{__name__}.Labelled.v1"
    assert codec.decode(codec.encode(labelled), Labelled) == labelled
    with pytest.raises(InvalidMessage, match="unknown field `label`"):
        codec.decode(codec.encode(labelled), Point)


def test_what_only_extends_a_message_is_none() -> None:
    class Odd(Point):
        pass

    assert (is_message(Point), is_message(Odd), is_message(3)) == (True, False, False)
    with pytest.raises(DeclarationError, match="is no message; write @message above `class Odd:`"):
        wire_name(Odd)


@pytest.mark.parametrize("name", ["two words", "1st", "a..b", "a.*", ">", "ä b"])
def test_a_name_that_cannot_stand_in_a_subject_is_refused(name: str) -> None:
    with pytest.raises(DeclarationError, match=r"cannot be a wire name; write @message\(name='Point'\)"):
        message(name=name)(Point)


@pytest.mark.parametrize("version", [0, -1])
def test_versions_count_from_one(version: int) -> None:
    with pytest.raises(DeclarationError, match="versions count from 1"):
        message(version=version)(Point)


def test_a_struct_that_can_change_is_no_message() -> None:
    class Changing(msgspec.Struct):
        x: int

    with pytest.raises(DeclarationError, match=r"can be changed; write `class Changing\(Struct, frozen=True\):`"):
        message(Changing)
