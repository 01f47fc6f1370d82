"""JSON Schema (2020-12) of what a MAD offers and hears, from its declaration alone."""

import inspect
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import inspect as types

from mads.author.declaration import Declaration, Tool
from mads.author.declare import CompletesMark, PromptMark, ResourceMark
from mads.author.deprecation import Deprecation
from mads.author.message import message_mark
from mads.wire.content import is_content
from mads.wire.status import EventInfo
from mads.wire.tools import Definition, ToolInfo


def tool_infos(mad: str, declared: Declaration) -> tuple[ToolInfo, ...]:
    """Return what the tools of the MAD called `mad` say of themselves, by name."""
    return tuple(
        _foreign_info(mad, tool, tool.foreign)
        if tool.foreign is not None
        else ToolInfo(
            name=f"mads.{mad}.{tool.name}",
            mad=mad,
            tool=tool.name,
            description=_described(tool.description, tool.deprecated),
            input_schema=_with_zones(tool.params),
            output_schema=_result(tool.result),
            read_only=tool.mark.read_only,
            destructive=tool.mark.destructive,
            idempotent=tool.mark.idempotent,
            streams=tool.streams,
            deprecated=str(tool.deprecated or ""),
            kind=tool.kind,
            content=is_content(tool.result),
            interactive=tool.mark.interactive,
            **_place(tool),
        )
        for _, tool in sorted(declared.tools.items())
    )


def _foreign_info(mad: str, tool: Tool, definition: Definition) -> ToolInfo:
    """Return what an MCP server says of one of its tools; what it is asked for beside tools comes by its name."""
    said = definition.said
    return ToolInfo(
        name=f"mads.{mad}.{tool.name}",
        mad=mad,
        tool=tool.name,
        description=tool.description,
        input_schema=said.get("inputSchema") or _asked_by_name(definition),
        output_schema=said.get("outputSchema"),
        read_only=tool.mark.read_only,
        destructive=tool.mark.destructive,
        idempotent=tool.mark.idempotent,
        kind=tool.kind,
        interactive=tool.mark.interactive,
        foreign=said,
        withheld=tool.withheld,
        **_place(tool),
    )


def _asked_by_name(definition: Definition) -> dict[str, Any]:
    match definition.kind:
        case "prompt":
            asked: list[Any] = definition.said.get("arguments") or []
            named = {each["name"]: {"type": "string", "description": each.get("description") or ""} for each in asked}
            required = [each["name"] for each in asked if each.get("required")]
            return {"type": "object", "properties": named, "required": required}
        case "resource" | "template":
            return {"type": "object", "properties": {"uri": {"type": "string"}}, "required": ["uri"]}
        case _:
            return {"type": "object"}


def _place(tool: Tool) -> dict[str, Any]:
    """Return where a resource stands, or what a completion is of."""
    match tool.place:
        case ResourceMark(uri=uri, mime_type=mime_type, title=title, fresh=fresh):
            return {"uri": uri, "mime_type": mime_type, "title": title, "fresh": fresh}
        case PromptMark(title=title):
            return {"title": title}
        case CompletesMark(of=of, argument=argument):
            return {"completes": of, "argument": argument}
        case None:
            return {}


def event_info(event: type[Any], heard_by: tuple[str, ...]) -> EventInfo:
    """Return what an event says of itself, and which MADs hear it."""
    mark = message_mark(event)
    return EventInfo(
        name=mark.wire_name,
        description=_described(inspect.cleandoc(event.__doc__ or ""), mark.deprecated),
        schema=msgspec.json.schema(event),
        heard_by=heard_by,
        version=mark.version,
        owner=mark.owner,
        critical=mark.critical,
        deprecated=str(mark.deprecated or ""),
    )


def _described(description: str, deprecated: Deprecation | None) -> str:
    if deprecated is None:
        return description
    return f"{description}\n\nDeprecated: it is there until {deprecated.until}; {deprecated.instead}."


def _result(type_: Any) -> dict[str, Any]:
    try:
        return _known(type_)
    except TypeError:  # what cannot be looked up
        return msgspec.json.schema(type_)


@lru_cache(maxsize=1024)  # the tools of a class are the same in every system
def _known(type_: Any) -> dict[str, Any]:
    return msgspec.json.schema(type_)


@lru_cache(maxsize=1024)
def _with_zones(params: type[Any]) -> dict[str, Any]:
    """Return the schema of `params`, which asks for a zone at each point in time that may have one.

    What comes out of a tool may lack a zone, and so be no `date-time`; there only `Meta(tz=True)` promises one.
    """
    schema = msgspec.json.schema(params)
    parts = [(types.type_info(params), schema)]
    definitions = dict(schema.get("$defs", {}))
    while parts:
        type_, said = parts.pop()
        if "$ref" in said:  # a definition is looked at once
            said = definitions.pop(said["$ref"].rpartition("/")[2], {})
        if isinstance(type_, types.DateTimeType) and type_.tz is None:
            said["format"] = "date-time"
        parts += [part for part in _parts(type_, said) if part[1]]
    return schema


def _parts(type_: types.Type, said: dict[str, Any]) -> Iterator[tuple[types.Type, dict[str, Any]]]:
    """Yield the types in `type_`, each with what the schema `said` says of it."""
    match type_:
        case types.Metadata(type=inner):
            yield inner, said
        case types.UnionType(types=options):
            either = [option for it in said.get("anyOf", ()) for option in it.get("anyOf", (it,))]
            yield from zip(sorted(options, key=_rank), either, strict=False)
        case types.CollectionType(item_type=item):
            yield item, said.get("items", {})
        case types.TupleType(item_types=items):
            yield from zip(items, said.get("prefixItems", ()), strict=False)
        case types.DictType(value_type=value):
            yield value, said.get("additionalProperties", {})
        case types.StructType(fields=fields) | types.DataclassType(fields=fields) | types.TypedDictType(fields=fields):
            named = said.get("properties", {})
            yield from ((field.type, named.get(field.encode_name, {})) for field in fields)
        case _:
            pass


def _rank(option: types.Type) -> int:
    """Return where msgspec puts a part of a union: structs follow what is none, and None comes last."""
    return 2 if isinstance(option, types.NoneType) else int(isinstance(option, types.StructType))
