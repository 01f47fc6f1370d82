"""Whether every value of one JSON Schema is one of another, and where not; in doubt it is not.

It knows what msgspec writes: `type`, `enum`, `anyOf`, `$ref`, objects, arrays, bounds. A keyword that it does not know
must be the same on both sides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

Schema = dict[str, Any]
Kind = Literal["unknown", "optional", "lacking", "type", "values"]
"""What the second schema does not know; must have and may be left out, or is not there at all, in the first; takes in
another type or other bounds; does not take."""

_KINDS = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"))
_LOW = {"minimum": False, "exclusiveMinimum": True}
_HIGH = {"maximum": False, "exclusiveMaximum": True}
_AT_LEAST = ("minLength", "minItems", "minProperties")
_AT_MOST = ("maxLength", "maxItems", "maxProperties")
_BOUNDS = {*_LOW, *_HIGH, *_AT_LEAST, *_AT_MOST, "multipleOf"}
_STRUCTURE = {"$ref", "$defs", "type", "enum", "const", "anyOf", "default", "discriminator", "properties", "required"}
_SEEN = {*_BOUNDS, *_STRUCTURE, "additionalProperties", "items", "prefixItems", "contentEncoding"}


class Gap(Struct, frozen=True):
    """A `place` (dotted, "" for the whole) where a value of the `one` schema need not be one of the `other`."""

    place: str
    kind: Kind
    one: str
    other: str


def gaps(one: Schema, other: Schema, *, grows: bool = False) -> list[Gap]:
    """Return where a value of `one` need not be one of `other`; with `grows`, an unknown field rules out no branch."""
    return list(dict.fromkeys(_Comparison(one, other, grows=grows).gaps(one, other, "")))


class _Comparison:
    """The comparison of two schemas; `_above` are the pairs of objects being compared, which may meet again inside."""

    def __init__(self, one: Schema, other: Schema, *, grows: bool) -> None:
        self._one: Schema = one.get("$defs", {})
        self._other: Schema = other.get("$defs", {})
        self._grows = grows
        self._above: set[tuple[int, int]] = set()

    def gaps(self, one: Schema, other: Schema, place: str) -> Iterator[Gap]:
        """Yield the gaps from `one` to `other`."""
        wanted = list(_options(other, self._other))
        if {} not in wanted:
            for option in _options(one, self._one):
                yield from self._option(option, wanted, place)

    def _option(self, one: Schema, wanted: list[Schema], place: str) -> Iterator[Gap]:
        if (values := _values(one)) is not None:
            refused = [value for value in values if not any(_takes(other, value) for other in wanted)]
            if refused:
                yield Gap(place, "values", _listed(refused), shown_any(wanted))
            return
        kind = one.get("type")
        alike = [other for other in wanted if _alike(kind, other.get("type")) and _values(other) is None]
        tried = [list(self._same(one, other, place)) for other in alike]
        if tried:
            yield from min(tried, key=self._weight)
        elif not _covers(wanted, kind):
            yield Gap(place, "type", shown(one), shown_any(wanted))

    def _weight(self, found: list[Gap]) -> tuple[int, int]:
        serious = [gap for gap in found if not (self._grows and gap.kind == "unknown")]
        return len(serious), len(found)

    def _same(self, one: Schema, other: Schema, place: str) -> Iterator[Gap]:
        """Yield the gaps between two schemas of one type; a pair that is being compared already has no more of them."""
        pair = (id(one.get("properties")), id(other.get("properties")))
        if pair in self._above:
            return
        above = self._above
        self._above = {*above, pair} if "properties" in one and "properties" in other else above
        yield from self._parts(one, other, place)
        self._above = above

    def _parts(self, one: Schema, other: Schema, place: str) -> Iterator[Gap]:
        if not _within(one, other):
            yield Gap(place, "type", shown(one), shown(other))
        if other.get("type") == "object":
            yield from self._objects(one, other, place)
        elif other.get("type") == "array":
            yield from self._arrays(one, other, place)

    def _objects(self, one: Schema, other: Schema, place: str) -> Iterator[Gap]:
        mine, theirs = one.get("properties", {}), other.get("properties", {})
        more, others = one.get("additionalProperties", True), other.get("additionalProperties", True)
        unsure = [name for name in other.get("required", ()) if name not in one.get("required", ())]
        for name in unsure:
            yield Gap(_below(place, name), "optional" if name in mine else "lacking", "", shown(theirs.get(name, {})))
        for name, schema in mine.items():
            if name in theirs or others is not False:
                yield from self.gaps(schema, theirs.get(name, _schema(others)), _below(place, name))
            else:
                yield Gap(_below(place, name), "unknown", shown(schema), "")
        if more is False:
            return
        for name in theirs.keys() - mine.keys() - {*unsure}:
            yield from self.gaps(_schema(more), theirs[name], _below(place, name))
        if others is False:
            yield Gap(place, "type", "any field", "the declared fields")
        else:
            yield from self.gaps(_schema(more), _schema(others), f"{place}[]")

    def _arrays(self, one: Schema, other: Schema, place: str) -> Iterator[Gap]:
        mine, theirs = one.get("prefixItems", []), other.get("prefixItems", [])
        rest, others = one.get("items", True), other.get("items", True)
        for at in range(max(len(mine), len(theirs)) + 1):
            have = mine[at] if at < len(mine) else rest
            want = theirs[at] if at < len(theirs) else others
            inside = f"{place}[{at}]" if at < max(len(mine), len(theirs)) else f"{place}[]"
            if have is not False and want is False:
                yield Gap(inside, "unknown", shown(_schema(have)), "")
            elif have is not False:
                yield from self.gaps(_schema(have), _schema(want), inside)


def shown(schema: Schema) -> str:
    """Return a schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return shown_any(schema["anyOf"])
    if (values := _values(schema)) is not None:
        return _listed(values)
    kind = str(schema.get("type", "anything"))
    if isinstance(schema.get("items"), dict):
        kind += f" of {shown(schema['items'])}"
    rules = [f"{key} {value}" for key, value in sorted(schema.items()) if key not in _STRUCTURE and _is_plain(value)]
    return f"{kind} ({', '.join(rules)})" if rules else kind


def shown_any(options: list[Schema]) -> str:
    """Return what any of `options` may be, in a few words."""
    return " | ".join(dict.fromkeys(map(shown, options)))


def _options(schema: Schema, definitions: Schema) -> Iterator[Schema]:
    """Yield the schemas of which a value must fit one, without those that only refer to others."""
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        for option in schema["anyOf"]:
            yield from _options(option, definitions)
    else:
        yield {key: value for key, value in schema.items() if key not in {"$defs", "default"}}


def _values(schema: Schema) -> list[Any] | None:
    """Return the values of a schema that lists them."""
    if "const" in schema:
        return [schema["const"]]
    if schema.get("type") == "null":
        return [None]
    return schema.get("enum")


def _takes(schema: Schema, value: Any) -> bool:
    """Return whether a single value fits."""
    if (values := _values(schema)) is not None:
        return any(type(it) is type(value) and it == value for it in values)
    exact: Schema = {"type": _kind(value)}
    if isinstance(value, str):
        exact |= {"minLength": len(value), "maxLength": len(value)}
        if (pattern := schema.get("pattern")) is not None and re.search(pattern, value):
            exact["pattern"] = pattern
    else:
        exact |= {"minimum": value, "maximum": value}
    return not schema or (_alike(exact["type"], schema.get("type")) and _within(exact, schema))


def _kind(value: Any) -> str:
    return next((kind for type_, kind in _KINDS if isinstance(value, type_)), "")


def _alike(kind: str | None, other: str | None) -> bool:
    return other is None or kind == other or (kind, other) == ("integer", "number")


def _covers(wanted: list[Schema], kind: str | None) -> bool:
    """Return whether the values that `wanted` lists are all that there are of that type."""
    listed = [value for schema in wanted for value in _values(schema) or ()]
    return kind == "boolean" and all(any(it is each for it in listed) for each in (True, False))  # 1 == True


def _within(one: Schema, other: Schema) -> bool:
    """Return whether the bounds of `one` lie within those of `other`."""
    step: Any = other.get("multipleOf")
    return (
        _low(one) >= _low(other)
        and _high(one) <= _high(other)
        and all(one.get(key, 0) >= other.get(key, 0) for key in _AT_LEAST)
        and all(one.get(key, math.inf) <= other.get(key, math.inf) for key in _AT_MOST)
        and (step is None or ("multipleOf" in one and one["multipleOf"] % step == 0) or _is_multiple(one, step))
        and one.get("contentEncoding") == other.get("contentEncoding")
        and all(one.get(key) == value for key, value in other.items() if key not in _SEEN)
    )


def _is_multiple(one: Schema, step: Any) -> bool:
    return "minimum" in one and one["minimum"] == one.get("maximum") and one["minimum"] % step == 0


def _low(schema: Schema) -> tuple[float, bool]:
    return max(((schema[key], open_) for key, open_ in _LOW.items() if key in schema), default=(-math.inf, False))


def _high(schema: Schema) -> tuple[float, bool]:
    return min(((schema[key], not open_) for key, open_ in _HIGH.items() if key in schema), default=(math.inf, True))


def _schema(value: Any) -> Schema:
    """Return what stands where a schema may also be `true`."""
    schema: Schema = {} if value is True else value
    return schema


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _listed(values: list[Any]) -> str:
    return ", ".join(map(repr, values))


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)
