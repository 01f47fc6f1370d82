"""Values come back from bytes as they went, and bytes that hold none are refused with `InvalidMessage` alone."""

import contextlib
import itertools
import struct
import time
from typing import Any, Union

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, Struct

from mads import message
from mads.wire import codec
from mads.wire.call import Band, Call, Identity
from mads.wire.errors import InvalidMessage
from mads.wire.failure import Failure

COVERS = ("R-022", "R-029", "R-036", "R-053")

Shape = tuple[Any, st.SearchStrategy[Any]]
"""A type, and values of it."""

SCALARS: list[Shape] = [
    (int, st.integers(-(2**63), 2**64 - 1)),
    (float, st.floats(allow_nan=False)),
    (str, st.text()),
    (bool, st.booleans()),
    (bytes, st.binary()),
]


@message
class Tree:
    """A message that holds messages of its own type."""

    name: str
    below: "list[Tree]" = []  # noqa: RUF012  each tree has its own


@st.composite
def structs(draw: st.DrawFn, inner: st.SearchStrategy[Shape]) -> Shape:
    fields = draw(st.lists(inner, min_size=1, max_size=3))
    names = [f"f{number}" for number in range(len(fields))]
    annotated = [(name, type_) for name, (type_, _) in zip(names, fields, strict=True)]
    made = msgspec.defstruct("Made", annotated, frozen=True, forbid_unknown_fields=True)
    return made, st.builds(made, **{name: values for name, (_, values) in zip(names, fields, strict=True)})


def containers(inner: st.SearchStrategy[Shape]) -> st.SearchStrategy[Shape]:
    list_, dict_, tuple_, union = _generic(list), _generic(dict), _generic(tuple), _generic(Union)
    return st.one_of(
        structs(inner),
        inner.map(lambda it: (list_[it[0]], st.lists(it[1], max_size=3))),
        inner.map(lambda it: (tuple_[it[0], ...], st.lists(it[1], max_size=3).map(tuple))),
        inner.map(lambda it: (dict_[str, it[0]], st.dictionaries(st.text(), it[1], max_size=3))),
        inner.map(lambda it: (union[it[0], None], st.none() | it[1])),
    )


def _generic(origin: Any) -> Any:
    """Return `origin`, to be filled with types that only exist when the test runs."""
    return origin


shapes = st.recursive(st.sampled_from(SCALARS), containers, max_leaves=6)
trees = st.recursive(
    st.builds(Tree, name=st.text()), lambda below: st.builds(Tree, name=st.text(), below=st.lists(below)), max_leaves=9
)


@given(shape=shapes, data=st.data())
def test_every_value_comes_back_as_it_went(shape: Shape, data: st.DataObject) -> None:
    type_, values = shape
    value = data.draw(values)

    assert codec.decode(codec.encode(value), type_) == value
    assert codec.fit(codec.plain(value), type_) == value


@given(tree=trees)
def test_a_message_of_its_own_type_comes_back_as_it_went(tree: Tree) -> None:
    assert codec.decode(codec.encode(tree), Tree) == tree


@given(text=st.text(alphabet="a\x00\ud7ff\ue000\U0010ffff"))
def test_text_with_any_character_comes_back_as_it_went(text: str) -> None:
    assert codec.decode(codec.encode(text), str) == text


# bytes from outside


def refused(data: bytes, type_: Any) -> str:
    """Return why `data` is refused."""
    with pytest.raises(InvalidMessage) as error:
        codec.decode(data, type_)
    return str(error.value)


@given(data=st.binary(max_size=64))
def test_noise_is_refused_or_is_a_value_of_the_type(data: bytes) -> None:
    for type_ in (Any, Tree, list[Tree], dict[str, int], codec.WireCall, Failure):
        try:
            value = codec.decode(data, type_)
        except InvalidMessage:
            continue
        assert codec.decode(codec.encode(value), type_) == value or value != value  # noqa: PLR0124  NaN


@given(tree=trees, data=st.data())
def test_a_truncated_message_is_refused(tree: Tree, data: st.DataObject) -> None:
    whole = codec.encode(tree)
    refused(whole[: data.draw(st.integers(0, len(whole) - 1))], Tree)


@given(tree=trees, more=st.binary(min_size=1))
def test_what_follows_a_message_is_refused(tree: Tree, more: bytes) -> None:
    refused(codec.encode(tree) + more, Tree)


@given(tree=trees, data=st.data())
def test_a_message_with_a_changed_byte_is_refused_or_is_another_message(tree: Tree, data: st.DataObject) -> None:
    changed = bytearray(codec.encode(tree))
    changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InvalidMessage):
        assert isinstance(codec.decode(bytes(changed), Tree), Tree)


DEEP = {
    "lists": (b"\x91", b"\xc0"),
    "maps": (b"\x81\xa1a", b"\xc0"),
    "messages": (b"\x82\xa4name\xa1a\xa5below\x91", b"\x81\xa4name\xa1a"),
}


@pytest.mark.parametrize("depth", [codec.MAX_DEPTH, 1_000, 100_000])
@pytest.mark.parametrize("kind", DEEP)
@pytest.mark.parametrize("type_", [Any, list, dict, Tree])
def test_what_is_nested_too_deep_is_refused(kind: str, depth: int, type_: Any) -> None:
    opening, end = DEEP[kind]
    refused(opening * depth + end, type_)


def test_an_extension_that_stands_for_nothing_is_refused() -> None:
    with pytest.raises(InvalidMessage, match="extension 99"):
        codec.decode(b"\xc7\x01\x63x", Any)


def test_what_is_nested_as_deep_as_may_be_is_taken() -> None:
    opening, end = DEEP["lists"]
    assert codec.decode(opening * (codec.MAX_DEPTH - 1) + end, Any)


def test_a_body_that_nobody_has_decoded_yet_may_hold_anything_but_breaks_nothing() -> None:
    opening, end = DEEP["lists"]
    bomb = codec.encode([Raw(opening * 100_000 + end), None])
    try:
        body, _ = codec.decode(bomb, tuple[Raw, None])
    except InvalidMessage:
        return
    refused(body, Any)


@pytest.mark.parametrize("header", [b"\xdd", b"\xdf", b"\xdb", b"\xc6", b"\xc9"])
@pytest.mark.parametrize("type_", [Any, list, dict, str, bytes, Tree])
def test_a_length_that_is_not_there_is_refused_and_not_allocated(header: bytes, type_: Any) -> None:
    refused(header + b"\xff\xff\xff\xff" + b"\x01", type_)


def test_what_is_too_large_is_refused_both_ways() -> None:
    large = b"x" * codec.MAX_BYTES

    assert "at most" in refused(struct.pack(">BI", 0xC6, len(large)) + large, bytes)
    with pytest.raises(InvalidMessage, match="larger than"):
        codec.encode(large)
    with pytest.raises(InvalidMessage, match="larger than the 3"):
        codec.encode("four", limit=3)
    with pytest.raises(InvalidMessage, match="at most 3 bytes"):
        codec.decode(b"\xa3abc", str, limit=3)


WRONG: list[tuple[bytes, Any, str]] = [
    (b"", Tree, "truncated"),
    (b"\x00", str, "Expected `str`, got `int`"),
    (b"\xc1", Any, "invalid opcode"),
    (b"\xa2\xff\xfe", str, "utf-8"),
    (b"\x81\xa4name\xa1\xff", Tree, "utf-8"),
    (b"\x81\xa4name\x01", Tree, "Expected `str`, got `int` - at `$.name`"),
    (b"\x82\xa4name\xa1a\xa4more\x01", Tree, "unknown field `more`"),
    (b"\x80", Tree, "missing required field `name`"),
    (b"\x81\x01\x02", Tree, "Expected `str`"),
    (b"\x90", Tree, "Expected `object`, got `array`"),
    (b"\xa11", int, "Expected `int`, got `str`"),
    (b"\x01", bool, "Expected `bool`, got `int`"),
    (b"\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", int, "Expected `int`, got `float`"),
]


@pytest.mark.parametrize(("data", "type_", "why"), WRONG)
def test_a_wrong_value_is_refused_and_the_reason_told(data: bytes, type_: Any, why: str) -> None:
    assert why in refused(data, type_)


@pytest.mark.parametrize("value", [object(), 2**64, -(2**63) - 1, "\ud800", {1: {object()}}, itertools.count(), Struct])
def test_what_cannot_travel_is_refused_before_it_leaves(value: Any) -> None:
    with pytest.raises(InvalidMessage, match="cannot travel"):
        codec.encode(value)


def test_what_holds_itself_is_refused_before_it_leaves() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(InvalidMessage, match="cannot travel"):
        codec.encode(loop)


@pytest.mark.parametrize("value", ["1", 1.5, True, None, [1], {"name": 1}, {"name": "a", "more": 1}, {}, object()])
def test_arguments_are_never_coerced(value: Any) -> None:
    with pytest.raises(InvalidMessage):
        codec.fit(value, Union[int, Tree])  # noqa: UP007


# calls and replies

calls = st.builds(
    Call,
    subject=st.text(),
    body=trees.map(codec.encode).map(Raw),
    id=st.text(),
    deadline=st.floats(0, 1e6),
    identity=st.builds(Identity, st.text(), st.text(), st.lists(st.text(), max_size=3).map(tuple)),
    trace=st.text(),
    span=st.text(),
    cause=st.none() | st.text(),
    conversation=st.none() | st.text(),
    band=st.sampled_from(Band),
    key=st.none() | st.text(),
    attempt=st.integers(1, 9),
    notes=st.none() | st.text(),
)


@given(call=calls)
def test_a_call_crosses_to_another_process_whole(call: Call) -> None:
    data = codec.encode(codec.to_wire(call))
    arrived = codec.from_wire(codec.decode(data, codec.WireCall))

    assert arrived.deadline == pytest.approx(call.deadline, abs=1)
    assert msgspec.structs.replace(arrived, deadline=call.deadline, made=call.made) == call


@pytest.mark.parametrize(
    ("field", "value"), [("band", 4), ("band", -1), ("left", float("nan")), ("left", float("inf"))]
)
def test_a_call_that_makes_no_sense_is_refused(field: str, value: float) -> None:
    call = Call(subject="s", body=None, id="1", deadline=time.monotonic(), identity=Identity("p"))
    wire = msgspec.structs.replace(codec.to_wire(call), **{field: value})

    with pytest.raises(InvalidMessage):
        codec.from_wire(wire)


def test_what_goes_out_by_reference_is_encoded_once() -> None:
    raw = codec.raw(Tree(name="oak"))

    assert codec.raw(raw) is raw
    assert codec.decode(raw, Tree) == Tree(name="oak")
