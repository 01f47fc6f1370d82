"""What the type of a message says of its values: immutable all the way down, and bounded in depth."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from msgspec import inspect as shape

_SCALARS = (
    shape.NoneType,
    shape.BoolType,
    shape.IntType,
    shape.FloatType,
    shape.StrType,
    shape.BytesType,
    shape.DateTimeType,
    shape.DateType,
    shape.TimeType,
    shape.TimeDeltaType,
    shape.UUIDType,
    shape.DecimalType,
    shape.EnumType,
    shape.LiteralType,
)

_OPEN = (shape.RawType, shape.StructType, shape.DataclassType, shape.TypedDictType)
"""What may hold more than its type says: a class takes fields that it does not know, unless it is told not to."""


@cache
def is_immutable(type_: Any) -> bool:
    """Return whether no value of `type_` can be changed by anyone who holds it, however deep.

    Such a value may travel by reference; any other travels as bytes.
    """
    return _holds(shape.type_info(type_), _immutable_parts, on_cycle=True)


@cache
def is_bounded(type_: Any) -> bool:
    """Return whether `type_` bounds how deep its values can be nested: it is not recursive and names every part."""
    return _holds(shape.type_info(type_), _bounded_parts, on_cycle=False)


@cache
def is_spelled_alike(type_: Any) -> bool:
    """Return whether values of `type_` are the same in MessagePack and in JSON, which spells bytes as base64 text."""
    return _holds(shape.type_info(type_), _spelled_parts, on_cycle=True)


def loose(type_: Any) -> list[str]:
    """Return the names of the fields in `type_`, dotted, whose values the codec would not check to the last part.

    Those are what is `Any`, and objects that may have fields nobody declared; a name ends in `[]` for what is inside.
    """
    found: dict[str, None] = {}
    _find_loose(shape.type_info(type_), "", found, set())
    return list(found)


def _find_loose(node: shape.Type, place: str, found: dict[str, None], seen: set[int]) -> None:
    if id(node) in seen:
        return
    seen.add(id(node))
    match node:
        case shape.Metadata(type=inner):
            _find_loose(inner, place, found, seen)
        case shape.StructType(fields=fields) if node.cls.__struct_config__.forbid_unknown_fields:
            for field in fields:
                _find_loose(field.type, f"{place}.{field.name}".lstrip("."), found, seen)
        case _:
            parts = None if isinstance(node, _OPEN) else _bounded_parts(node)
            if parts is None:
                found[place] = None
            inside = place if isinstance(node, shape.UnionType | shape.NamedTupleType) else f"{place}[]"
            for part in parts or ():
                _find_loose(part, inside, found, seen)


def _holds(
    node: shape.Type,
    parts_of: Callable[[shape.Type], Iterable[shape.Type] | None],
    *,
    on_cycle: bool,
    above: tuple[int, ...] = (),
) -> bool:
    if id(node) in above:
        return on_cycle
    parts = parts_of(node)
    if parts is None:
        return False
    return all(_holds(part, parts_of, on_cycle=on_cycle, above=(*above, id(node))) for part in parts)


def _immutable_parts(node: shape.Type) -> Iterable[shape.Type] | None:
    match node:
        case shape.StructType():
            return [field.type for field in node.fields] if node.cls.__struct_config__.frozen else None
        case shape.TupleType():
            return node.item_types
        case shape.VarTupleType() | shape.FrozenSetType():
            return [node.item_type]
        case shape.UnionType():
            return node.types
        case _:
            return () if isinstance(node, _SCALARS) else None


def _bounded_parts(node: shape.Type) -> Iterable[shape.Type] | None:
    match node:
        case shape.AnyType() | shape.CustomType():
            return None
        case shape.RawType():  # bytes still, and bounded once they are decoded
            return ()
        case shape.DictType():
            return (node.key_type, node.value_type)
        case shape.ListType() | shape.SetType():
            return [node.item_type]
        case shape.StructType() | shape.DataclassType() | shape.TypedDictType() | shape.NamedTupleType():
            return [field.type for field in node.fields]
        case _:
            return _immutable_parts(node)


def _spelled_parts(node: shape.Type) -> Iterable[shape.Type] | None:
    match node:
        case shape.BytesType() | shape.ByteArrayType() | shape.MemoryViewType():
            return None
        case shape.AnyType() | shape.CustomType():
            return ()
        case _:
            return _bounded_parts(node)
