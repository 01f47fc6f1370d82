"""The functions of CEL that conditions may call; each refuses what it is not for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mads.guard.cel.values import NoValueError, is_number

DIGITS = 64
"""How many characters a text may have that is read as a number."""

Function = Callable[..., Any]


def _text(function: Function) -> Function:
    """Return a function of texts only."""

    def checked(*said: Any) -> Any:
        if not all(isinstance(one, str) for one in said):
            raise NoValueError("only a text begins, ends, holds or is split")
        return function(*said)

    return checked


def _size(value: Any) -> int:
    if isinstance(value, str | list | dict):
        return len(value)  # pyright: ignore[reportUnknownArgumentType]  of whatever it holds
    raise NoValueError("only a text, a list or a map has a size")


def _int(value: Any) -> int:
    try:
        whole = int(value) if is_number(value) or (isinstance(value, str) and len(value) <= DIGITS) else None
    except (ValueError, OverflowError):
        whole = None
    if whole is None or not -(2**63) <= whole < 2**63:
        raise NoValueError("it is no whole number")
    return whole


def _double(value: Any) -> float:
    try:
        if is_number(value) or (isinstance(value, str) and len(value) <= DIGITS):
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise NoValueError("it is no number")


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_number(value):
        return repr(value)
    raise NoValueError("only a number or a boolean becomes a text")


def _lower(text: str) -> str:
    return "".join(chr(ord(sign) + 32) if "A" <= sign <= "Z" else sign for sign in text)


def _split(text: str, by: str) -> list[str]:
    return text.split(by) if by else list(text)


GLOBAL: dict[str, tuple[int, Function]] = {
    "size": (1, _size),
    "int": (1, _int),
    "double": (1, _double),
    "string": (1, _string),
}
"""Functions, and how many arguments each takes."""

METHODS: dict[str, tuple[int, Function]] = {
    "size": (0, _size),
    "startsWith": (1, _text(str.startswith)),
    "endsWith": (1, _text(str.endswith)),
    "contains": (1, _text(str.__contains__)),
    "split": (1, _text(_split)),
    "lowerAscii": (0, _text(_lower)),
}
"""Functions of the value that they stand behind."""

TRUTHS = ("startsWith", "endsWith", "contains")
"""Those that say whether something is so."""
