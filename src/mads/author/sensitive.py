"""`Sensitive[T]`: a value that is handed on, and left out of what is written down about it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct, inspect

T = TypeVar("T")

_MARK = "mads-sensitive"

Sensitive = Annotated[T, Meta(extra={_MARK: True})]
"""A `T` in a message, an argument or a result, for which record, traces and logs say `[sensitive]`.

What is to be handed on after a crash is on disk as it is: in `Kept`, in a command until it is done, in a step's result.
"""

HIDDEN = "[sensitive]"
"""What stands where something was taken out."""


def is_sensitive(node: inspect.Type) -> bool:
    """Return whether `node`, as msgspec sees a type, is marked."""
    extra: Any = getattr(node, "extra", None)
    return extra is not None and _MARK in extra


def shown(value: Struct) -> str:
    """Return a message as Python shows it, without what is sensitive in it: whoever quotes it says no more."""
    hidden = _hidden(type(value))
    fields = (
        f"{name}={HIDDEN if hidden is None or name in hidden else repr(getattr(value, name))}"
        for name in value.__struct_fields__
    )
    return f"{type(value).__qualname__}({', '.join(fields)})"


@cache
def _hidden(cls: type[Struct]) -> frozenset[str] | None:
    """Return the fields of `cls` that hold what is sensitive; None where its types cannot be told."""
    try:
        told: Any = inspect.type_info(cls)
    except Exception:  # noqa: BLE001  an annotation may be anything; what cannot be told is not shown
        return None
    return frozenset(field.name for field in told.fields if holds(field.type))


def holds(node: inspect.Type, seen: set[int] | None = None) -> bool:
    """Return whether something in `node` is marked."""
    seen = set() if seen is None else seen
    if is_sensitive(node):
        return True
    if id(node) in seen:
        return False
    seen.add(id(node))
    return any(holds(part, seen) for part in _parts(node))


def _parts(node: Any) -> Iterator[inspect.Type]:
    match node:
        case inspect.Metadata(type=inner) | inspect.CollectionType(item_type=inner):
            yield inner
        case inspect.UnionType(types=parts) | inspect.TupleType(item_types=parts):
            yield from parts
        case inspect.DictType(key_type=key, value_type=value):
            yield from (key, value)
        case inspect.StructType() | inspect.DataclassType() | inspect.TypedDictType() | inspect.NamedTupleType():
            yield from (field.type for field in node.fields)
        case _:
            pass
