"""Whether a value of one type may stand where another is declared; in doubt it may."""

import types
import typing
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, LiteralString, TypeVar, get_args, get_origin

from mads.author.annotations import class_hints
from mads.author.message import is_message

_ROWS = (list, tuple, set, frozenset)
_PLAIN = (str, int, float, bool, type(None), dict, *_ROWS)


def fits(have: Any, want: Any) -> bool:
    """Return whether a value of type `have` may be taken for one of `want`, as the codec takes it."""
    return any(_may_be(one, other) for one in _members(have) for other in _members(want))


def is_data(type_: Any) -> bool:
    """Return whether every value of `type_` is of a plain built-in type."""
    return all((get_origin(member) or member) in _PLAIN for member in _members(type_))


def element_of(type_: Any) -> Any:
    """Return the type of what iterating over a `type_` gives, `Any` where that is not plain."""
    args = get_args(type_)
    if get_origin(type_) in {list, set, frozenset, Sequence, Iterable, AsyncIterator} or args[1:] == (...,):
        return args[0]
    return Any


def filled(type_: Any, values: dict[Any, Any]) -> Any:
    """Return `type_` with each of its type variables replaced by its value, by `Any` where it has none."""
    if isinstance(type_, TypeVar):
        return values.get(type_, Any)
    variables = getattr(type_, "__parameters__", ())
    if not all(isinstance(variable, TypeVar) for variable in variables):
        return Any
    return type_[tuple(values.get(variable, Any) for variable in variables)] if variables else type_


def example(type_: Any) -> str:
    """Return an expression of `type_` with … for what the author knows."""
    if is_message(type_):
        return f"{type_.__name__}({', '.join(f'{name}=…' for name in class_hints(type_))})"
    if get_origin(type_) is list:
        return f"[{example(get_args(type_)[0])}]"
    return '"…"' if type_ is str else "None" if type_ is type(None) else "…"


def _members(type_: Any) -> tuple[Any, ...]:
    origin = get_origin(type_)
    if origin in {typing.Union, types.UnionType}:
        return tuple(member for arg in get_args(type_) for member in _members(arg))
    if origin is typing.Annotated:
        return _members(get_args(type_)[0])
    return (str,) if type_ is LiteralString else (type_,)


def _may_be(have: Any, want: Any) -> bool:
    one, other = get_origin(have) or have, get_origin(want) or want
    if not (_is_plain(one) and _is_plain(other)):
        return True
    if one in _ROWS and other in _ROWS:
        return fits(element_of(have), element_of(want))
    return (
        issubclass(one, other)
        or issubclass(other, one)
        or (one, other) == (int, float)
        or (one is dict and is_message(other))
    )


def _is_plain(type_: Any) -> bool:
    return type_ in _PLAIN or is_message(type_)
