"""`@message` makes a frozen value with a versioned wire name out of a class with typed fields."""

import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, dataclass_transform, overload

from msgspec import Struct

from mads.wire.errors import DeclarationError

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_WIRE_NAME = "__mads_wire_name__"


@overload
def message(cls: type[T], /) -> type[T]: ...
@overload
def message(*, name: str | None = None, version: int = 1) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True)
def message(cls: type[T] | None = None, /, *, name: str | None = None, version: int = 1) -> Any:
    """Make `cls` a message: an immutable value whose fields are its annotations.

    It travels as `name.vVERSION`; without a name that is its module and class, so give it one before moving a class
    whose messages are kept or cross hosts. Raises `DeclarationError` for a name or version that cannot travel.
    """
    make = partial(_message, name=name, version=version)
    return make if cls is None else make(cls)


def is_message(type_: Any) -> bool:
    """Return whether `type_` is a class made by `@message`."""
    return isinstance(type_, type) and _WIRE_NAME in type_.__dict__


def wire_name(cls: type[Any]) -> str:
    """Return the name and version under which values of `cls` travel; raise `DeclarationError` if it is no message."""
    if not is_message(cls):
        raise DeclarationError(f"{cls.__qualname__} is no message; write @message above `class {cls.__name__}:`")
    name: str = cls.__dict__[_WIRE_NAME]
    return name


def subject(cls: type[Any]) -> str:
    """Return the bus subject on which events of `cls` are published."""
    return f"event.{wire_name(cls)}"


def _message(cls: type[Any], *, name: str | None, version: int) -> type[Any]:
    full = name or f"{_module(cls)}.{cls.__name__}"
    if not _NAME.fullmatch(full):
        raise DeclarationError(f"{full!r} cannot be a wire name; write @message(name='{cls.__name__}')")
    if version < 1:
        raise DeclarationError(f"{cls.__qualname__}: versions count from 1, not {version!r}")
    made = cls if issubclass(cls, Struct) else _struct(cls)
    if not made.__struct_config__.frozen:
        raise DeclarationError(f"{cls.__qualname__} can be changed; write `class {cls.__name__}(Struct, frozen=True):`")
    setattr(made, _WIRE_NAME, f"{full}.v{version}")
    return made


def _struct(cls: type[Any]) -> type[Struct]:
    body = {key: value for key, value in cls.__dict__.items() if key not in {"__dict__", "__weakref__"}}
    bases = (Struct, *(base for base in cls.__bases__ if base is not object))
    meta: Any = type(Struct)
    made: type[Struct] = meta(cls.__name__, bases, body, frozen=True, forbid_unknown_fields=True)
    return made


def _module(cls: type[Any]) -> str:
    if cls.__module__ != "__main__":
        return cls.__module__
    return Path(getattr(sys.modules["__main__"], "__file__", None) or "main").stem
