"""Every tool and event has a JSON Schema that follows from its declaration."""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from importlib import import_module
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from herald import Announcement, Herald
from mads import mad, message, tool
from mads.author.declaration import declaration
from mads.author.schema import event_info, tool_infos
from mads.wire import codec
from scribe import MeetingEnded, Note, Scribe

COVERS = ("R-022", "R-023", "R-042")

jsonschema: Any = import_module("jsonschema")


@message
class Tree:
    """A tree of notes."""

    note: Note
    below: "list[Tree]" = []  # noqa: RUF012  each tree has its own


@mad
class Forester:
    """You plant."""

    @tool(idempotent=True)
    async def plant(self, tree: Tree, count: int = 1, into: dict[str, Tree] | None = None) -> Tree:
        """Plant a tree.

        As often as it is asked for.
        """
        return tree if count or into else Tree(note=tree.note)

    @tool(destructive=True)
    async def fell(self) -> None:
        """Fell them all."""

    @tool(read_only=True)
    async def walk(self) -> AsyncIterator[Tree]:
        """Walk from tree to tree."""
        yield Tree(note=Note(about="oak", text="old"))


INFOS = [
    info
    for name, cls in (("scribe", Scribe), ("herald", Herald), ("forester", Forester))
    for info in tool_infos(name, declaration(cls))
]


def test_tools_are_listed_under_their_canonical_names() -> None:
    assert [info.name for info in INFOS] == [
        "mads.scribe.recall",
        "mads.scribe.write",
        "mads.herald.announce",
        "mads.forester.fell",
        "mads.forester.plant",
        "mads.forester.walk",
    ]
    assert {(info.mad, info.tool) for info in INFOS} >= {("scribe", "recall"), ("forester", "plant")}


def test_a_tool_says_what_its_author_said() -> None:
    fell, plant, walk = INFOS[3:]

    assert plant.description == "Plant a tree.\n\nAs often as it is asked for."
    assert [(it.read_only, it.destructive, it.idempotent, it.streams) for it in (fell, plant, walk)] == [
        (False, True, False, False),
        (False, False, True, False),
        (True, False, False, True),
    ]


SCHEMAS: list[Any] = [
    *(info.input_schema for info in INFOS),
    *(info.output_schema for info in INFOS),
    event_info(MeetingEnded, ("scribe",)).schema,
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_schema_is_valid_and_its_references_resolve(schema: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)

    references = set(re.findall(r"'#/\$defs/(\w+)'", str(schema)))
    assert references == set(schema.get("$defs", {}))


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_object_with_named_fields_has_no_others(schema: Any) -> None:
    objects = [it for it in schema.get("$defs", {}).values() if "properties" in it]
    assert all(it["additionalProperties"] is False for it in objects)


def test_the_schema_of_the_arguments_is_that_of_an_object() -> None:
    schema = INFOS[4].input_schema

    root = schema["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    assert root["type"] == "object"
    assert root["required"] == ["tree"]
    assert root["properties"]["count"] == {"type": "integer", "default": 1}
    assert schema["$defs"]["Tree"]["description"] == "A tree of notes."


@message
class Visit:
    """Somebody comes."""

    at: datetime
    until: datetime | None = None
    before: "Visit | None" = None


@mad
class Porter:
    """You open."""

    @tool
    async def expect(
        self, visit: Visit, days: list[datetime], by: dict[str, datetime], zoneless: Annotated[datetime, Meta(tz=False)]
    ) -> datetime:
        """Expect a visit."""
        return max(visit.at, zoneless, *days, *by.values())


def test_a_point_in_time_is_asked_for_with_its_zone_and_promised_with_one_only_where_it_is_declared() -> None:
    (info,) = tool_infos("porter", declaration(Porter))
    time = {"type": "string", "format": "date-time"}

    definitions = info.input_schema["$defs"]
    assert definitions["expect"]["properties"] == {
        "visit": {"$ref": "#/$defs/Visit"},
        "days": {"type": "array", "items": time},
        "by": {"type": "object", "additionalProperties": time},
        "zoneless": {"type": "string"},
    }
    assert definitions["Visit"]["properties"] == {
        "at": time,
        "until": {"anyOf": [time, {"type": "null"}], "default": None},
        "before": {"anyOf": [{"$ref": "#/$defs/Visit"}, {"type": "null"}], "default": None},
    }
    assert info.output_schema == {"type": "string"}


notes = st.builds(Note, about=st.text(), text=st.text())
trees = st.recursive(
    st.builds(Tree, note=notes), lambda below: st.builds(Tree, note=notes, below=st.lists(below)), max_leaves=6
)


@given(tree=trees)
def test_what_travels_fits_the_schema(tree: Tree) -> None:
    plain = msgspec.to_builtins({"tree": tree, "into": {"wood": tree}})

    jsonschema.Draft202012Validator(INFOS[4].input_schema).validate(plain)
    jsonschema.Draft202012Validator(INFOS[4].output_schema).validate(plain["tree"])
    assert codec.fit(plain["tree"], Tree) == tree


def test_an_event_says_its_wire_name_and_who_hears_it() -> None:
    info = event_info(Tree, ("forester",))

    assert (info.name, info.description, info.heard_by) == (f"{__name__}.Tree.v1", "A tree of notes.", ("forester",))
    assert event_info(Announcement, ()).description == ""
