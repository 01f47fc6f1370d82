"""What a call in a MAD's source calls, where that is plain: its arguments by name and type, and its result."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from mads.author.annotations import class_hints, function_hints
from mads.author.declare import is_mad
from mads.author.lint.fits import element_of, filled
from mads.author.message import is_message
from mads.author.needs import Kept
from mads.wire.errors import DeclarationError

ANY_ARGUMENTS = inspect.Signature(
    [
        inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL),
        inspect.Parameter("kw", inspect.Parameter.VAR_KEYWORD),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """What is called: its arguments, and its result once it is `awaited` or, where it `streams`, iterated over.

    `travels` where the arguments go through the codec.
    """

    signature: inspect.Signature = ANY_ARGUMENTS
    hints: dict[str, Any]
    result: Any
    awaited: bool = False
    streams: bool = False
    travels: bool = True


def method_of(type_: Any, name: str, *, own: bool = False) -> Callee | None:
    """Return the method `name` of a MAD, the caller's `own` or another, or of a need of the runtime."""
    origin = get_origin(type_) or type_
    method = inspect.getattr_static(origin, name, None)
    known = is_mad(origin) or getattr(origin, "__module__", None) == Kept.__module__
    if not known or not inspect.isfunction(method):
        return None
    values = dict(zip(getattr(origin, "__parameters__", ()), get_args(type_), strict=False))
    hints = {key: filled(hint, values) for key, hint in hints_of(function_hints, method).items()}
    result, streams = hints.pop("return", Any), inspect.isasyncgenfunction(method)
    parameters = [*inspect.signature(method).parameters.values()][1:]
    if origin is Kept and get_args(type_) and name != "add":  # it takes the fields of what is kept
        hints = hints_of(class_hints, get_args(type_)[0])
        parameters = [inspect.Parameter(field, inspect.Parameter.KEYWORD_ONLY, default=None) for field in hints]
    return Callee(
        signature=inspect.Signature(parameters),
        hints=hints,
        result=element_of(result) if streams else result,
        awaited=inspect.iscoroutinefunction(method),
        streams=streams,
        travels=origin is Kept or (is_mad(origin) and not own),
    )


def constructor_of(cls: Any) -> Callee | None:
    """Return the constructor of a message, or of a class whose calls are certain to give an instance of it."""
    if is_message(cls):
        return Callee(signature=inspect.signature(cls), hints=hints_of(class_hints, cls), result=cls)
    if type(cls) is not type or cls is type or inspect.isfunction(cls.__new__):
        return None
    return Callee(hints={}, result=cls)


def hints_of(read: Callable[[Any], dict[str, Any]], thing: Any) -> dict[str, Any]:
    """Return the annotations that `read` finds, none where one of them stands for no type."""
    try:
        return read(thing)
    except DeclarationError:
        return {}
