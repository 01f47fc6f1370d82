"""A form that a person fills in, as MCP asks for it: the flat fields of a message, each of a kind that hosts show."""

from collections.abc import Mapping
from typing import Any, Literal, cast, get_args, get_origin

import msgspec
from msgspec import inspect as types

from mads.author.annotations import class_hints
from mads.wire.errors import DeclarationError

_LIMITS = {
    "ge": "minimum",
    "le": "maximum",
    "gt": "exclusiveMinimum",
    "lt": "exclusiveMaximum",
    "min_length": "minLength",
    "max_length": "maxLength",
}
_FORMATS: dict[type[types.Type], str] = {
    types.DateType: "date",
    types.DateTimeType: "date-time",
}


def form(type_: type[Any]) -> dict[str, Any]:
    """Return the schema of `type_` for a person to fill in.

    A `Literal` is a choice, an `Enum` one whose values have titles, a list of either a choice of several. Raises
    `DeclarationError` where a field is of a kind that nobody could fill in.
    """
    read = types.type_info(type_)
    if not isinstance(read, types.StructType):
        raise DeclarationError(f"returning={type_.__name__}: write a @message class with a field for each thing to ask")
    hints = class_hints(type_)
    properties = {field.encode_name: _property(field, type_, _literals(hints[field.name])) for field in read.fields}
    required = [field.encode_name for field in read.fields if field.required]
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _property(field: types.Field, type_: type[Any], order: list[str]) -> dict[str, Any]:
    inner, extra = _bare(field.type)
    said = _kind(inner, order)
    if said is None:
        raise DeclarationError(
            f"{type_.__name__}.{field.name}: a person is asked for a text, a number, yes or no, a date, or a choice: "
            "write str, int, float, bool, date, Literal[…], an Enum, or a list of either of these two"
        )
    default = msgspec.to_builtins(field.default) if field.default is not msgspec.NODEFAULT else None
    if field.default_factory is not msgspec.NODEFAULT:
        default = msgspec.to_builtins(field.default_factory())
    return {**said, **extra, **({} if default is None else {"default": default})}


def _bare(type_: types.Type) -> tuple[types.Type, Mapping[str, Any]]:
    """Return `type_` without what is said beside it, and without None, which is an answer left out."""
    if isinstance(type_, types.Metadata):
        inner, extra = _bare(type_.type)
        return inner, {**extra, **(cast("Any", type_).extra_json_schema or {})}
    if isinstance(type_, types.UnionType):
        others = [option for option in type_.types if not isinstance(option, types.NoneType)]
        if len(others) == 1:
            return _bare(others[0])
    return type_, {}


def _kind(type_: types.Type, order: list[str]) -> dict[str, Any] | None:
    match type_:
        case types.StrType() | types.IntType() | types.FloatType():
            name = {types.StrType: "string", types.IntType: "integer", types.FloatType: "number"}[type(type_)]
            limits = {said: getattr(type_, ours, None) for ours, said in _LIMITS.items()}
            return {"type": name, **{said: limit for said, limit in limits.items() if limit is not None}}
        case types.BoolType():
            return {"type": "boolean"}
        case types.DateType() | types.DateTimeType():
            return {"type": "string", "format": _FORMATS[type(type_)]}
        case types.ListType(item_type=item) | types.VarTupleType(item_type=item):
            return _several(_bare(item)[0], order)
        case _:
            choice = _choice(type_, order)
            return None if choice is None else {"type": "string", **choice}


def _several(item: types.Type, order: list[str]) -> dict[str, Any] | None:
    choice = _choice(item, order)
    if choice is None:
        return None
    titled = {"anyOf": choice["oneOf"]} if "oneOf" in choice else {"type": "string", **choice}
    return {"type": "array", "items": titled}


def _choice(type_: types.Type, order: list[str]) -> dict[str, Any] | None:
    match type_:
        case types.LiteralType(values=values) if all(isinstance(value, str) for value in values):
            return {"enum": [value for value in order if value in values]}
        case types.EnumType(cls=cls) if all(isinstance(member.value, str) for member in cls):
            named = [(member.value, member.name.replace("_", " ").capitalize()) for member in cls]
            return {"oneOf": [{"const": value, "title": title} for value, title in named]}
        case _:
            return None


def _literals(hint: Any) -> list[str]:
    """Return the choices in a field's type in the order in which they are written, which msgspec forgets."""
    args = get_args(hint)
    return list(args) if get_origin(hint) is Literal else [it for arg in args for it in _literals(arg)]
