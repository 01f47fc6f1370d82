"""A change of an interface is breaking where somebody who relied on the old one may be let down, and nowhere else.

Covers what msgspec can say: unions, literals, constraints, messages in messages, recursion. Does not cover keywords of
JSON Schema that it never writes: those must be the same on both sides.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import Meta

from mads.author.contract import Interface, changes
from mads.author.contract.interface import EventInterface, MadInterface, ToolInterface, bare
from mads.author.contract.narrower import gaps

COVERS = ("R-022",)

jsonschema: Any = import_module("jsonschema")  # it ships no types

TODAY = date(2026, 11, 22)
Schema = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A type, and the JSON values that it has."""

    type: Any
    values: st.SearchStrategy[Any]

    @property
    def schema(self) -> Schema:
        """Its JSON Schema, as a lock has it."""
        return bare(msgspec.json.schema(self.type))


Fields = dict[str, tuple[Kind, bool]]
"""The fields of a message: the kind of each, and whether it may be left out."""


NUMBER = itertools.count()


def message_of(fields: Fields) -> Kind:
    made = msgspec.defstruct(
        f"M{next(NUMBER)}",  # msgspec cannot tell two of one name apart
        [(name, kind.type, None) if optional else (name, kind.type) for name, (kind, optional) in fields.items()],
        kw_only=True,
        forbid_unknown_fields=True,
    )
    always = {name: kind.values for name, (kind, optional) in fields.items() if not optional}
    may = {name: kind.values for name, (kind, optional) in fields.items() if optional}
    return Kind(made, st.fixed_dictionaries(always, optional=may))


def bounded(low: int, span: int) -> Kind:
    return Kind(Annotated[int, Meta(ge=low, le=low + span)], st.integers(low, low + span))


def short(most: int) -> Kind:
    return Kind(Annotated[str, Meta(max_length=most)], st.text(max_size=most))


def one_of(values: set[Any]) -> Kind:
    listed = tuple(sorted(values))
    return Kind(Literal[listed], st.sampled_from(listed))


NUMBERS = st.integers(-9, 9)
SCALARS = st.one_of(
    st.sampled_from(
        [
            Kind(int, NUMBERS),
            Kind(float, NUMBERS | st.floats(-9, 9)),
            Kind(str, st.text(max_size=3)),
            Kind(bool, st.booleans()),
            Kind(None, st.none()),
        ]
    ),
    st.builds(bounded, st.integers(-3, 3), st.integers(0, 3)),
    st.builds(short, st.integers(0, 3)),
    st.builds(one_of, st.sets(st.sampled_from("abcd"), min_size=1)),
    st.builds(one_of, st.sets(st.integers(0, 4), min_size=1)),
)


def grown(inner: st.SearchStrategy[Kind]) -> st.SearchStrategy[Kind]:
    return st.one_of(
        inner.map(lambda it: Kind(list[it.type], st.lists(it.values, max_size=2))),  # type: ignore[name-defined]
        inner.map(lambda it: Kind(dict[str, it.type], st.dictionaries(st.sampled_from("ab"), it.values))),  # type: ignore[name-defined]
        inner.map(lambda it: Kind(it.type | None if it.type is not None else None, it.values | st.none())),
        st.dictionaries(st.sampled_from("abc"), st.tuples(inner, st.booleans())).map(message_of),
    )


KINDS = st.recursive(SCALARS, grown, max_leaves=4)
FIELDS = st.dictionaries(st.sampled_from("abc"), st.tuples(KINDS, st.booleans()), max_size=3)


def offering(parameters: Schema | None = None, result: Schema | None = None, **marks: Any) -> Interface:
    """Return a system with one tool."""
    tool = ToolInterface(parameters=parameters or {}, result=result or {}, **marks)
    return Interface(events={}, mads={"scribe": MadInterface({"write": tool})})


def telling(fields: Schema, version: int = 1, **marks: Any) -> Interface:
    """Return a system with one event."""
    return Interface(events={f"it.Said.v{version}": EventInterface(fields=fields, version=version, **marks)}, mads={})


def breaks(old: Interface, new: Interface) -> bool:
    return any(change.verdict == "breaking" for change in changes(old, new, today=TODAY))


def why(old: Interface, new: Interface, today: date = TODAY) -> list[tuple[str, str]]:
    return [(change.verdict, change.why) for change in changes(old, new, today=today)]


@given(KINDS)
def test_nothing_has_changed_where_nothing_has(kind: Kind) -> None:
    for it in (offering(kind.schema), offering(result=kind.schema), telling(kind.schema)):
        assert changes(it, it, today=TODAY) == []


@given(st.data(), st.lists(KINDS, min_size=4, max_size=6))
def test_what_is_found_narrower_is(data: st.DataObject, kinds: list[Kind]) -> None:
    for one, other in itertools.permutations(kinds, 2):
        if not gaps(one.schema, other.schema):
            jsonschema.Draft202012Validator(other.schema).validate(data.draw(one.values))


def test_yes_and_no_are_not_one_and_nought() -> None:
    assert gaps({"type": "boolean"}, {"enum": [0, 1]})
    assert not gaps({"type": "boolean"}, {"enum": [True, False]})


@given(KINDS, KINDS)
def test_two_interfaces_that_differ_are_not_found_the_same(one: Kind, other: Kind) -> None:
    assume(one.schema != other.schema)
    for old, new in ((one, other), (other, one)):
        assert changes(offering(old.schema), offering(new.schema), today=TODAY)
        assert changes(telling(old.schema), telling(new.schema), today=TODAY)


@given(FIELDS, KINDS)
def test_a_new_optional_parameter_breaks_nothing(fields: Fields, kind: Kind) -> None:
    before, now = message_of(fields), message_of({**fields, "new": (kind, True)})
    assert not breaks(offering(before.schema), offering(now.schema))
    assert not breaks(offering(result=before.schema), offering(result=now.schema))
    assert not breaks(telling(before.schema), telling(now.schema))


@given(FIELDS, KINDS)
def test_a_new_parameter_that_must_be_given_breaks(fields: Fields, kind: Kind) -> None:
    before, now = message_of(fields), message_of({**fields, "new": (kind, False)})
    assert breaks(offering(before.schema), offering(now.schema))
    assert not breaks(offering(result=before.schema), offering(result=now.schema))
    assert breaks(telling(before.schema), telling(now.schema))


@given(FIELDS, KINDS, st.booleans())
def test_whatever_is_removed_breaks(fields: Fields, kind: Kind, optional: bool) -> None:  # noqa: FBT001  drawn
    before, now = message_of({**fields, "old": (kind, optional)}), message_of(fields)
    inside = Kind(list[before.type], st.none()), Kind(list[now.type], st.none())  # type: ignore[name-defined]
    for old, new in ((before, now), inside):
        assert breaks(offering(old.schema), offering(new.schema))
        assert breaks(offering(result=old.schema), offering(result=new.schema))
        assert breaks(telling(old.schema), telling(new.schema))


@given(SCALARS, SCALARS)
def test_what_breaks_a_caller_one_way_breaks_a_reader_the_other_way(one: Kind, other: Kind) -> None:
    forth = breaks(offering(one.schema), offering(other.schema))
    assert forth == breaks(offering(result=other.schema), offering(result=one.schema))
    if not forth and not breaks(offering(other.schema), offering(one.schema)):
        assert gaps(one.schema, other.schema) == gaps(other.schema, one.schema) == []


@given(KINDS)
def test_what_may_be_nothing_as_well_takes_more_and_promises_less(kind: Kind) -> None:
    assume(gaps(Kind(None, st.none()).schema, kind.schema))
    wider = bare(msgspec.json.schema(kind.type | None))
    assert not breaks(offering(kind.schema), offering(wider))
    assert breaks(offering(wider), offering(kind.schema))
    assert breaks(offering(result=kind.schema), offering(result=wider))
    assert not breaks(offering(result=wider), offering(result=kind.schema))


class Leaf(msgspec.Struct, tag=True, forbid_unknown_fields=True):
    """The end of a tree."""

    size: Annotated[int, Meta(ge=0)]


class Fork(msgspec.Struct, tag=True, forbid_unknown_fields=True):
    """A tree of trees."""

    trees: list[Leaf | Fork]


class Twig(msgspec.Struct, tag="Fork", forbid_unknown_fields=True):
    """A fork whose leaves may be of any size."""

    trees: list[Bud | Twig]


class Bud(msgspec.Struct, tag="Leaf", forbid_unknown_fields=True):
    """A leaf of any size."""

    size: int


def test_types_that_contain_themselves_can_be_compared() -> None:
    tree, shrub = bare(msgspec.json.schema(Fork)), bare(msgspec.json.schema(Twig))

    assert gaps(tree, tree) == gaps(tree, shrub) == []
    assert why(offering(shrub), offering(tree)) == [
        ("breaking", "'trees[].size' takes integer (minimum 0), no longer integer")
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({}, {"destructive": True}, ("breaking", "it is destructive now: not everybody may call it any more")),
        ({"destructive": True}, {}, ("compatible", "it is no longer destructive")),
        ({"read_only": True}, {}, ("breaking", "it is no longer read_only")),
        ({"idempotent": True}, {}, ("breaking", "it is no longer idempotent")),
        ({}, {"idempotent": True}, ("compatible", "it is idempotent")),
        ({}, {"streams": True}, ("breaking", "it streams now")),
        ({}, {"deprecated": "2027-03-01: use b"}, ("compatible", "it is deprecated, 2027-03-01: use b")),
        (
            {"deprecated": "2027-03-01: use b"},
            {"deprecated": "2026-12-01: use b"},
            ("breaking", "it goes on 2026-12-01 already, where 2027-03-01 was announced"),
        ),
    ],
)
def test_a_mark_is_a_promise(old: dict[str, Any], new: dict[str, Any], said: tuple[str, str]) -> None:
    assert why(offering(**old), offering(**new)) == [said]


def test_a_tool_a_mad_and_an_event_that_are_gone_are_missed_unless_that_was_announced() -> None:
    nothing, empty = Interface(events={}, mads={}), Interface(events={}, mads={"scribe": MadInterface({})})
    announced: dict[str, Any] = {"deprecated": "2027-03-01: use b"}

    assert why(offering(), nothing) == [("breaking", "the MAD is gone")]
    assert why(offering(), empty) == [("breaking", "the tool is gone")]
    assert why(empty, offering()) == [("compatible", "the tool is new")]
    assert why(telling({}), nothing) == [("breaking", "the event is gone")]
    early = "the tool is gone before 2027-03-01, to which it was announced"
    assert why(offering(**announced), empty) == [("breaking", early)]
    late = ("compatible", "the tool is gone, as announced (2027-03-01: use b)")
    assert why(offering(**announced), empty, date(2027, 3, 2)) == [late]


def test_an_event_that_says_something_else_needs_a_new_version() -> None:
    text, number = (bare(msgspec.json.schema(type_)) for type_ in (str, int))

    assert why(telling(text), telling(number)) == [("breaking", "the event is integer, no longer string")]
    assert why(telling(text), telling(number, version=2)) == [
        ("compatible", "version 2 takes its place"),
        ("compatible", "the event is new"),
    ]
    assert breaks(telling(text, version=2), telling(text, version=1))


@given(FIELDS, KINDS)
def test_a_field_of_an_event_keeps_its_default_as_what_was_made_before_it_had_the_field_is_kept(
    fields: Fields, kind: Kind
) -> None:
    before, now = message_of({**fields, "new": (kind, True)}), message_of({**fields, "new": (kind, False)})
    said = ("breaking", "'new' has no default any more, so what was made before may not fit")
    assert why(telling(before.schema), telling(now.schema)) == [said]


def test_who_owns_an_event_is_part_of_it() -> None:
    mine, yours = telling({}, critical=True, owner="a"), telling({}, critical=True, owner="b")

    assert why(mine, yours) == [("breaking", "its owner is 'b', no longer 'a'")]
    assert why(telling({}), mine) == [("breaking", "it is critical now: only 'a' may emit it")]
    assert breaks(mine, telling({}, owner="a"))
    assert not breaks(telling({}), telling({}, owner="a"))
