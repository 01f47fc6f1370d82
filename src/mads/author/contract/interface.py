"""The interface of a system as a value: what each MAD offers and what each event carries, without a word of prose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import msgspec
from msgspec import Struct

from mads.wire.status import EventInfo
from mads.wire.tools import ToolInfo

Schema = dict[str, Any]

FORMAT = 1
"""The version of the form in which an interface is written down."""

_PROSE = {"title", "description", "examples", "$comment"}
_NAMED = {"properties", "$defs", "patternProperties"}
"""Keys of a schema whose value is keyed by names that an author chose."""


class ToolInterface(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A tool: the schemas of its parameters and of its result, or of each item, and its marks."""

    parameters: Schema
    result: Schema
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False
    streams: bool = False
    deprecated: str = ""


class EventInterface(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An event in one version: the schema of its fields, and who owns it."""

    fields: Schema
    version: int
    critical: bool = False
    owner: str = ""
    deprecated: str = ""


class MadInterface(Struct, frozen=True, forbid_unknown_fields=True):
    """What a MAD offers, by name."""

    tools: dict[str, ToolInterface]


class Interface(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a system offers: its MADs by name, its events by versioned wire name."""

    format: int = FORMAT
    events: dict[str, EventInterface]
    mads: dict[str, MadInterface]


def interface(mads: Iterable[str], tools: Iterable[ToolInfo], events: Iterable[EventInfo]) -> Interface:
    """Return the interface of a system with these MADs."""
    offered: dict[str, dict[str, ToolInterface]] = {mad: {} for mad in mads}
    for tool in tools:
        offered[tool.mad][tool.tool] = ToolInterface(
            parameters=bare(tool.input_schema),
            result=bare(tool.output_schema or {}),
            read_only=tool.read_only,
            destructive=tool.destructive,
            idempotent=tool.idempotent,
            streams=tool.streams,
            deprecated=tool.deprecated,
        )
    heard = {
        event.name: EventInterface(
            fields=bare(event.schema),
            version=event.version,
            critical=event.critical,
            owner=event.owner,
            deprecated=event.deprecated,
        )
        for event in events
    }
    made = Interface(mads={mad: MadInterface(named) for mad, named in offered.items()}, events=heard)
    return msgspec.json.decode(msgspec.json.encode(made), type=Interface)  # a default may be a tuple, which is a list


def bare(schema: Schema) -> Schema:
    """Return `schema` without its prose; the order of fields says nothing either."""
    return {key: _part(key, value) for key, value in schema.items() if key not in _PROSE}


def _part(key: str, value: Any) -> Any:
    if key in _NAMED:
        return {name: _bare(inner) for name, inner in value.items()}
    return sorted(value) if key == "required" else _bare(value)


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return bare(cast("Schema", value))
    return [_bare(item) for item in cast("Any", value)] if isinstance(value, list) else value
