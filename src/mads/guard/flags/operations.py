"""What rules do with values: the operations of JsonLogic that need nothing but their arguments, and those of flagd.

One that makes no sense of its arguments raises `TypeError`, `ValueError` or `ArithmeticError`.
"""

from __future__ import annotations

import itertools
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Return whether a value is a list."""
    return isinstance(value, list)


def is_table(value: Any) -> TypeGuard[dict[str, Any]]:
    """Return whether a value is an object of JSON."""
    return isinstance(value, dict)


def truth(value: Any) -> bool:
    """Return whether a value counts as true: as in JSON's own language, but an empty list does not."""
    return value != 0 if isinstance(value, (int, float)) else bool(value)


def _number(value: Any) -> float:
    if isinstance(value, str):
        return float(value.strip() or 0)
    if isinstance(value, (int, float)):
        return value
    if value is None:
        return 0
    raise TypeError(f"{value!r} is no number")


def _equal(one: Any, other: Any) -> bool:
    """Return whether two values are loosely the same: a number is also its text."""
    if isinstance(one, (list, dict)) or isinstance(other, (list, dict)) or one is None or other is None:
        return one is other if one is None or other is None else one == other
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    try:
        return _number(one) == _number(other)
    except ValueError:
        return False


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) is isinstance(other, bool) and one == other


def _compared(holds: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    def compare(*values: Any) -> bool:
        def pair(one: Any, other: Any) -> bool:
            if isinstance(one, str) and isinstance(other, str):
                return holds(one, other)
            return holds(_number(one), _number(other))

        try:
            return len(values) > 1 and all(pair(*two) for two in itertools.pairwise(values))
        except (TypeError, ValueError):
            return False

    return compare


def _plus(*values: Any) -> float:
    return sum(_number(value) for value in values)


def _times(*values: Any) -> float:
    return math.prod(_number(value) for value in values)


def _minus(*values: Any) -> float:
    return -_number(values[0]) if len(values) == 1 else _number(values[0]) - _number(values[1])


def _in(part: Any, whole: Any) -> bool:
    if isinstance(whole, str):
        return isinstance(part, str) and part in whole
    return is_list(whole) and any(_same(part, item) for item in whole)


def _substr(text: str, start: int, length: int | None = None) -> str:
    rest = text[start:]
    return rest if length is None else rest[:length]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


_VERSION = re.compile(r"[vV]?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")


def _version(value: Any) -> tuple[tuple[int, int, int], tuple[Any, ...]]:
    """Return a semantic version so that two are in the order in which they came out."""
    found = _VERSION.fullmatch(str(value))
    if found is None:
        raise ValueError(f"{value!r} is no version")
    major, minor, patch = (int(word or 0) for word in found.groups()[:3])
    words = found[4].split(".") if found[4] else []
    before = [(0, int(word), "") if word.isdecimal() else (1, 0, word) for word in words]
    return (major, minor, patch), (not words, before)


_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _sem_ver(one: Any, order: str, other: Any) -> bool | None:
    """Return whether two versions are in that order; "^" is of one major version, "~" of one minor version too."""
    first, second = _version(one), _version(other)
    if order in ("^", "~"):
        parts = 1 if order == "^" else 2
        return first[0][:parts] == second[0][:parts]
    return _ORDERS[order](first, second) if order in _ORDERS else None


def _unequal(one: Any, other: Any) -> bool:
    return not _equal(one, other)


def _other(one: Any, other: Any) -> bool:
    return not _same(one, other)


def _not(value: Any) -> bool:
    return not truth(value)


def _most(*values: Any) -> float:
    return max(map(_number, values))


def _least(*values: Any) -> float:
    return min(map(_number, values))


def _divided(one: Any, other: Any) -> float:
    return _number(one) / _number(other)


def _rest(one: Any, other: Any) -> float:
    return math.fmod(_number(one), _number(other))


def _cat(*values: Any) -> str:
    return "".join(map(_text, values))


def _merge(*values: Any) -> list[Any]:
    return [item for value in values for item in (value if is_list(value) else [value])]


def _log(value: Any = None) -> Any:
    """Return a value; what somebody is known by is not for the log."""
    return value


def _starts_with(text: Any, start: Any) -> bool | None:
    return text.startswith(start) if isinstance(text, str) and isinstance(start, str) else None


def _ends_with(text: Any, end: Any) -> bool | None:
    return text.endswith(end) if isinstance(text, str) and isinstance(end, str) else None


PLAIN: Mapping[str, Callable[..., Any]] = {
    "==": _equal,
    "!=": _unequal,
    "===": _same,
    "!==": _other,
    "!": _not,
    "!!": truth,
    "<": _compared(operator.lt),
    "<=": _compared(operator.le),
    ">": _compared(operator.gt),
    ">=": _compared(operator.ge),
    "max": _most,
    "min": _least,
    "+": _plus,
    "-": _minus,
    "*": _times,
    "/": _divided,
    "%": _rest,
    "in": _in,
    "merge": _merge,
    "log": _log,
    "cat": _cat,
    "substr": _substr,
    "starts_with": _starts_with,
    "ends_with": _ends_with,
    "sem_ver": _sem_ver,
}
"""By their names."""
