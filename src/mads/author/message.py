"""`@message` makes a frozen value with a versioned wire name out of a class with typed fields."""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar, dataclass_transform, overload

from msgspec import Struct

from mads.author.deprecation import Deprecation, deprecation
from mads.author.sensitive import shown
from mads.wire.call import EVENT
from mads.wire.errors import DeclarationError

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_MARK = "__mads_message__"
_SHOWN = "__repr__"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageMark:
    """What a message is called, and who answers for it; a critical one is an event that only its `owner` may emit."""

    name: str
    version: int
    critical: bool
    owner: str
    deprecated: Deprecation | None
    wire_name: str


@overload
def message(cls: type[T], /) -> type[T]: ...
@overload
def message(
    *, name: str | None = None, version: int = 1, owner: str = "", deprecated: str = ""
) -> Callable[[type[T]], type[T]]: ...
@overload
def message(
    *, critical: Literal[True], owner: str, name: str | None = None, version: int = 1, deprecated: str = ""
) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True)
def message(
    cls: type[T] | None = None,
    /,
    *,
    name: str | None = None,
    version: int = 1,
    critical: bool = False,
    owner: str = "",
    deprecated: str = "",
) -> Any:
    """Make `cls` a message: an immutable value whose fields are its annotations.

    It travels as `name.vVERSION`; without a name that is its module and class, so give it one before moving a class
    whose messages are kept or cross hosts. A `critical` one is an event that others act upon: nobody but its `owner`, a
    MAD of the system, may emit it, and one that does not fit is refused before anybody hears it. `deprecated` is a date
    and what to use instead, "2027-03-01: use Noted". Raises `DeclarationError` for what makes no sense.
    """
    make = partial(_message, name=name, version=version, critical=critical, owner=owner, deprecated=deprecated)
    return make if cls is None else make(cls)


def is_message(type_: Any) -> bool:
    """Return whether `type_` is a class made by `@message`."""
    return isinstance(type_, type) and _MARK in type_.__dict__


def message_mark(cls: type[Any]) -> MessageMark:
    """Return what `@message` was told of `cls`; raise `DeclarationError` if it is no message."""
    if not is_message(cls):
        raise DeclarationError(f"{cls.__qualname__} is no message; write @message above `class {cls.__name__}:`")
    mark: MessageMark = cls.__dict__[_MARK]
    return mark


def wire_name(cls: type[Any]) -> str:
    """Return the name and version under which values of `cls` travel; raise `DeclarationError` if it is no message."""
    return message_mark(cls).wire_name


def subject(cls: type[Any]) -> str:
    """Return the bus subject on which events of `cls` are published."""
    return f"{EVENT}{wire_name(cls)}"


def _message(cls: type[Any], *, name: str | None, version: int, deprecated: str, **owned: Any) -> type[Any]:
    full = name or f"{_module(cls)}.{cls.__name__}"
    if not _NAME.fullmatch(full):
        raise DeclarationError(f"{full!r} cannot be a wire name; write @message(name='{cls.__name__}')")
    if version < 1:
        raise DeclarationError(f"{cls.__qualname__}: versions count from 1, not {version!r}")
    made = cls if issubclass(cls, Struct) else _struct(cls)
    if not made.__struct_config__.frozen:
        raise DeclarationError(f"{cls.__qualname__} can be changed; write `class {cls.__name__}(Struct, frozen=True):`")
    gone = deprecation(deprecated, cls.__qualname__)
    mark = MessageMark(name=full, version=version, deprecated=gone, wire_name=f"{full}.v{version}", **owned)
    setattr(made, _MARK, mark)
    if _SHOWN not in cls.__dict__:
        setattr(made, _SHOWN, shown)
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
