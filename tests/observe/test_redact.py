"""What is `Sensitive` is in no record, however deep it lies and whatever came instead of it.

Covers the redactor of a type, on random values too. Does not cover who calls it: tests/behaviour/test_record.py does.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from mads import Sensitive, message
from mads.author.sensitive import HIDDEN
from mads.observe.redact import redactor, said
from mads.wire import codec

COVERS = ("R-055",)

WORD = "tr0ub4dor"


@message
class Key:
    """What opens a door."""

    teeth: Sensitive[str]
    door: str


class Leaf(Struct, tag="leaf"):
    """One of two kinds of wood."""

    pin: Sensitive[int]


class Bough(Struct, tag="bough"):
    """The other kind, which may hold itself."""

    leaves: list[Leaf]
    above: Bough | None = None


class Pair(Struct, array_like=True):
    """It travels as a list."""

    name: str
    pin: Sensitive[str]


class Point(NamedTuple):
    """It travels as a list too."""

    x: int
    y: Sensitive[str]


class Plain(Struct):
    """Nothing in it is sensitive."""

    text: str
    more: dict[str, list[int]] | None = None


class All(Struct):
    """Every way to hold something."""

    key: Key
    maybe: Sensitive[str] | None
    either: Sensitive[str] | int
    many: list[Sensitive[bytes]]
    named: dict[str, Sensitive[str]]
    whole: Sensitive[dict[str, Any]]
    two: tuple[str, Sensitive[str]]
    pair: Pair
    point: Point
    wood: Leaf | Bough
    kept: str


texts = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=8)
secrets = texts.map(lambda text: f"§{text}§")


def everything(secret: st.SearchStrategy[str], text: st.SearchStrategy[str]) -> st.SearchStrategy[All]:
    leaves = st.builds(Leaf, st.integers(10**12, 10**13))
    return st.builds(
        All,
        key=st.builds(Key, secret, text),
        maybe=st.none() | secret,
        either=secret | st.integers(0, 9),
        many=st.lists(secret.map(str.encode), max_size=2),
        named=st.dictionaries(text, secret, max_size=2),
        whole=st.dictionaries(text, st.lists(secret, max_size=2), max_size=2),
        two=st.tuples(text, secret),
        pair=st.builds(Pair, text, secret),
        point=st.builds(Point, st.integers(0, 9), secret),
        wood=leaves | st.builds(Bough, st.lists(leaves, max_size=2), st.none() | st.builds(Bough, st.lists(leaves))),
        kept=text,
    )


def redacted(value: Any, type_: Any) -> Any:
    """Return what is kept of a value."""
    hide = redactor(type_)
    assert hide is not None
    return codec.decode(hide.body(codec.encode(value))[0], Any)


@given(everything(secrets, texts))
def test_nothing_sensitive_is_left_and_nothing_else_is_gone(value: All) -> None:
    hide = redactor(All)
    assert hide is not None
    body, words = hide.body(codec.encode(value))
    assert "§" not in body.decode(errors="ignore")
    assert not any(str(pin) in str(codec.decode(body, Any)) for pin in _pins(value.wood))
    seen = codec.decode(body, Any)
    assert (seen["kept"], seen["key"]["door"], seen["point"][0]) == (value.kept, value.key.door, value.point.x)
    assert seen["either"] == (value.either if isinstance(value.either, int) else HIDDEN)
    assert list(seen["named"]) == list(value.named)
    assert "§" not in said(f"{value!r} {msgspec.json.encode(value).decode()}", words)


def _pins(wood: Leaf | Bough | None) -> list[int]:
    match wood:
        case Leaf():
            return [wood.pin]
        case Bough():
            return [leaf.pin for leaf in wood.leaves] + _pins(wood.above)
        case None:
            return []


@pytest.mark.parametrize("type_", [Plain, int, dict[str, Any], list[Plain], Any, type(None)])
def test_a_type_that_holds_nothing_sensitive_has_no_redactor(type_: Any) -> None:
    assert redactor(type_) is None


@pytest.mark.parametrize("wrong", [WORD, [WORD], {"teeth": {"a": WORD}, "tooth": WORD}, [{"x": WORD}]])
def test_what_does_not_fit_or_is_not_named_is_taken_out(wrong: Any) -> None:
    assert WORD not in str(redacted(wrong, Key))


def test_a_body_that_is_no_body_is_taken_out() -> None:
    hide = redactor(Key)
    assert hide is not None
    assert codec.decode(hide.body(b"\xc1" + WORD.encode())[0], Any) == HIDDEN


def test_a_marked_type_by_itself_is_a_message_like_any_other() -> None:
    assert redacted(WORD, Sensitive[str]) == HIDDEN
    assert redacted([WORD], list[Sensitive[str]]) == [HIDDEN]
    assert codec.fit({"teeth": "a", "door": "b"}, Key) == Key("a", "b")
    assert redacted(None, Sensitive[str] | None) is None


@pytest.mark.parametrize("secret", ['with "quotes"', "two\nlines", "back\\slash", "ünïcode ✓"])
def test_what_is_said_in_other_spellings_is_taken_out_too(secret: str) -> None:
    hide = redactor(Key)
    assert hide is not None
    words = hide.body(codec.encode(Key(secret, "front")))[1]
    told = f"no: {secret} / {secret!r} / {msgspec.json.encode(secret).decode()}"
    assert secret not in said(told, words)
    assert repr(secret)[1:-1] not in said(told, words)
