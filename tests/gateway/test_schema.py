"""Schemas as clients get them, and arguments held against them."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads.gateway.schema import Arguments, output, rooted
from mads.wire.errors import InvalidMessage
from tests.gateway.desk import tool


class Leaf(msgspec.Struct):
    """A leaf."""

    text: str


class Tree(msgspec.Struct):
    """A tree of trees."""

    leaves: list[Leaf]
    below: list[Tree] = []


def schema_of(type_: Any) -> dict[str, Any]:
    return msgspec.json.schema(type_)


def test_an_object_stands_at_the_top_with_only_the_definitions_it_needs() -> None:
    leaf, tree = rooted(schema_of(Leaf)), rooted(schema_of(Tree))
    assert leaf["type"] == "object"
    assert "$defs" not in leaf
    assert tree["type"] == "object"
    assert set(tree["$defs"]) == {"Leaf", "Tree"}


@pytest.mark.parametrize("type_", [int, list[Leaf], Leaf | None, None])
def test_what_is_no_object_is_wrapped_in_one(type_: Any) -> None:
    schema, wrapped = output(tool("a", "b", {}, output_schema=schema_of(type_)))
    assert wrapped
    assert schema is not None
    assert schema["required"] == ["result"]


@pytest.mark.parametrize("type_", [Leaf, dict[str, int]])
def test_an_object_is_answered_as_it_is(type_: Any) -> None:
    assert output(tool("a", "b", {}, output_schema=schema_of(type_)))[1] is False


def test_the_items_of_a_stream_are_answered_as_a_list() -> None:
    schema, wrapped = output(tool("a", "b", {}, output_schema=schema_of(Leaf), streams=True))
    assert wrapped
    assert schema is not None
    assert schema["properties"]["result"]["items"]["title"] == "Leaf"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "write 'leaves'"),
        ({"leaves": [{"text": "a"}, {}]}, "write 'text' in 'leaves.1'"),
        ({"leaves": 1}, "'leaves' must be array, not 1"),
        ({"leaves": [], "below": [{"leaves": [{"text": None}]}]}, "'below.0.leaves.0.text' must be string, not None"),
    ],
)
def test_a_mistake_is_told_with_its_place(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        Arguments(tool("a", "b", schema_of(Tree))).check(arguments)
    assert str(caught.value) == told


def test_arguments_nested_without_end_are_refused() -> None:
    tree: dict[str, Any] = {"leaves": []}
    for _ in range(300):
        tree = {"leaves": [], "below": [tree]}
    with pytest.raises(InvalidMessage, match="nested too deep"):
        Arguments(tool("a", "b", schema_of(Tree))).check(tree)


def test_a_reference_that_leads_out_of_the_schema_is_not_followed() -> None:
    outside = Arguments(tool("a", "b", {"$ref": "http://127.0.0.1:9/schema.json"}))
    with pytest.raises(Exception, match="Unresolvable"):
        outside.check({})


VALUES = st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5)


@given(st.dictionaries(st.sampled_from(["leaves", "below", "x"]), VALUES))
def test_whatever_is_sent_is_accepted_or_refused_in_words(arguments: dict[str, Any]) -> None:
    with contextlib.suppress(InvalidMessage):
        Arguments(tool("a", "b", schema_of(Tree))).check(arguments)
