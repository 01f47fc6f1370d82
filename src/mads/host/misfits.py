"""What of a table does not fit its type: each mistake under its own key, and no value that others need not see."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

import msgspec
from msgspec import Struct


def misfits(place: str, value: Any, type_: Any) -> Iterator[str]:
    """Yield what is wrong with `value`, which stands at `place`: where, what, and what to write; nothing if it fits."""
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        told = [each for found in _inside(place, value, type_) for each in found]
        yield from told or [f"{place}: {str(error).partition(' - at ')[0]}"]


def _inside(place: str, value: Any, type_: Any) -> Iterator[Iterator[str]]:
    """Yield the mistakes of the parts of `value`, for each type that it might be a table or a list of."""
    is_many = get_origin(type_) in (Annotated, Union, UnionType)
    for each in get_args(type_) if is_many else (type_,):
        if isinstance(value, dict):
            table = cast("dict[str, Any]", value)
            if get_origin(each) in (dict, Mapping):
                of = get_args(each)[1]
                yield from (misfits(f"{place}.{key}", part, of) for key, part in table.items())
            elif isinstance(each, type) and issubclass(each, Struct):
                yield from _fields(place, table, {field.name: field.type for field in msgspec.structs.fields(each)})
        elif isinstance(value, list) and get_origin(each) in (list, tuple):
            parts = enumerate(cast("Sequence[Any]", value), 1)
            yield from (misfits(f"{place} {at}", part, get_args(each)[0]) for at, part in parts)


def _fields(place: str, table: dict[str, Any], types: Mapping[str, Any]) -> Iterator[Iterator[str]]:
    for key, part in table.items():
        if key in types:
            yield misfits(f"{place}.{key}", part, types[key])
        else:
            near = difflib.get_close_matches(key, types, 1)
            meant = f"did you mean {near[0]!r}?" if near else f"it may have {', '.join(types)}"
            yield iter([f"{place}.{key}: unknown key; {meant}"])
