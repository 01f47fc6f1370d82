"""JSON Schemas as MCP wants them, an object at the top, and arguments checked against them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from itertools import islice
from typing import Any, cast

from referencing import Registry

from mads.wire.errors import InvalidMessage
from mads.wire.tools import ToolInfo

Schema = dict[str, Any]

SHOWN = 3
"""How many mistakes one error tells."""

SMALL = 1000
"""How many values small arguments hold at most."""

# The library brings no types; imported like this it is `Any` to every checker.
_jsonschema: Any = import_module("jsonschema")
_DEFINITION = "#/$defs/"


def rooted(schema: Schema) -> Schema:
    """Return `schema` with what it refers to at its top written out there: hosts want to see `type` at the top."""
    definitions = schema.get("$defs", {})
    name = schema.get("$ref", "").removeprefix(_DEFINITION)
    if name not in definitions:
        return schema
    root = definitions[name]
    others = {key: value for key, value in definitions.items() if key != name}
    if f"{_DEFINITION}{name}'" in repr((root, others)):
        others = definitions
    return {**root, "$defs": others} if others else root


def output(tool: ToolInfo) -> tuple[Schema | None, bool]:
    """Return the schema of what `tool` answers, and whether its result stands there as `{"result": …}`.

    Before 2026-07-28 MCP knows only objects, so anything else is wrapped; so are the items of a stream, as a list.
    """
    if tool.output_schema is None:
        return None, False
    root = rooted(tool.output_schema)
    if root.get("type") == "object" and not tool.streams:
        return root, False
    definitions = {key: root[key] for key in root.keys() & {"$defs"}}
    result = {key: root[key] for key in root.keys() - {"$defs"}}
    if tool.streams:
        result = {"type": "array", "items": result}
    return {"type": "object", "properties": {"result": result}, "required": ["result"], **definitions}, True


class Arguments:
    """What a tool takes: its `schema`, and words for what does not fit."""

    def __init__(self, tool: ToolInfo) -> None:
        self.schema = tool.input_schema if tool.foreign else rooted(tool.input_schema)
        # With an empty registry a reference that leads out of the schema fails instead of being fetched.
        nowhere: Registry[Any] = Registry()
        self._validator = _jsonschema.Draft202012Validator(self.schema, registry=nowhere)

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Raise `InvalidMessage` where small `arguments` do not fit, naming each and what was expected of it.

        The callee refuses any, large ones too, with less to say; a check of those would hold up the loop for seconds.
        """
        if not _is_small(arguments):
            return
        try:
            mistakes = [_told(mistake) for mistake in islice(self._validator.iter_errors(arguments), SHOWN)]
        except RecursionError:
            raise InvalidMessage("the arguments are nested too deep") from None
        if mistakes:
            raise InvalidMessage("; ".join(dict.fromkeys(mistakes)))

    def spelled(self, said: Mapping[str, str]) -> dict[str, Any]:
        """Return what was `said` in text as what it stands for; what stands for nothing is left to the callee."""
        properties: Mapping[str, Schema] = self.schema.get("properties", {})
        return {name: _spelled(text, properties.get(name, {}).get("type")) for name, text in said.items()}


def _spelled(text: str, type_: Any) -> Any:
    try:
        match type_:
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case "boolean":
                return {"true": True, "false": False}.get(text, text)
            case _:
                return text
    except ValueError:
        return text


def _is_small(arguments: Mapping[str, Any]) -> bool:
    found: list[Any] = [arguments]
    for value in found:
        if isinstance(value, dict | list):
            inner = cast("Any", value)
            if len(found) + len(inner) > SMALL:
                return False
            found += inner.values() if isinstance(value, dict) else inner
    return True


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _told(mistake: Any) -> str:
    deepest = _jsonschema.exceptions.best_match([mistake])
    where = ".".join(str(part) for part in deepest.absolute_path)
    match deepest.validator, deepest.validator_value:
        case "required", names:
            return (
                f"write {_listed(name for name in names if name not in deepest.instance)}{where and f' in {where!r}'}"
            )
        case "additionalProperties", False:
            known = deepest.schema.get("properties", {})
            unknown = _listed(name for name in deepest.instance if name not in known)
            return f"there is no {unknown}{where and f' in {where!r}'}, only {_listed(known) or 'nothing'}"
        case "type", type_:
            return f"{where!r} must be {type_}, not {deepest.instance!r:.80}"
        case _:
            return f"{where!r}: {deepest.message:.200}"
