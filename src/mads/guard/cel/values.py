"""Values as CEL compares, adds and looks into them: a number is no boolean, and what has no answer is an error."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeGuard

LARGEST = 2**63
LONGEST = 1 << 20
"""How many characters a text, or items a list, may come to have."""


class NoValueError(Exception):
    """An expression has no value for these facts; the message says why, and nothing that the facts hold."""


def equal(one: Any, other: Any) -> bool:
    """Return whether two values are the same; those of different kinds are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if is_list(one) and is_list(other):
        return len(one) == len(other) and all(map(equal, one, other))
    if is_map(one) and is_map(other):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    return bool(one == other)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Return whether `value` is a list."""
    return isinstance(value, list)


def is_map(value: Any) -> TypeGuard[dict[Any, Any]]:
    """Return whether `value` is a map."""
    return isinstance(value, dict)


def is_number(value: Any) -> bool:
    """Return whether `value` is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def within(container: Any, value: Any) -> bool:
    """Return whether `value` is an item of a list, or a key of a map."""
    if is_list(container) or is_map(container):
        return any(equal(each, value) for each in container)
    raise NoValueError("`in` looks into a list or a map")


def compared(sign: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Return what compares two numbers, or two texts."""

    def compare(one: Any, other: Any) -> bool:
        if (is_number(one) and is_number(other)) or (isinstance(one, str) and isinstance(other, str)):
            return sign(one, other)
        raise NoValueError("only numbers, or texts, are less or greater")

    return compare


def added(one: Any, other: Any) -> Any:
    """Return a sum, or two texts or lists as one."""
    if is_number(one) and is_number(other):
        return _bounded(one + other)
    if isinstance(one, str) and isinstance(other, str):
        return _short(one + other)
    if is_list(one) and is_list(other):
        return _short([*one, *other])
    raise NoValueError("only two numbers, texts or lists can be added")


def reckoned(sign: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return what reckons with two numbers."""

    def reckon(one: Any, other: Any) -> Any:
        if not is_number(one) or not is_number(other):
            raise NoValueError("only numbers can be reckoned with")
        try:
            return _bounded(sign(one, other))
        except (ArithmeticError, TypeError):
            raise NoValueError("a number has no such quotient") from None

    return reckon


def quotient(one: Any, other: Any) -> Any:
    """Return a quotient: of whole numbers the whole part, towards zero."""
    if isinstance(one, int) and isinstance(other, int):
        whole = abs(one) // abs(other)
        return whole if (one < 0) == (other < 0) else -whole
    return one / other


def remainder(one: Any, other: Any) -> Any:
    """Return what is left of a whole number."""
    if not isinstance(one, int) or not isinstance(other, int):
        raise TypeError
    return one - other * quotient(one, other)


def item(container: Any, key: Any) -> Any:
    """Return the value of a key, or the item at a place."""
    if is_map(container) and isinstance(key, str | int) and key in container:
        return container[key]
    if is_list(container) and type(key) is int and 0 <= key < len(container):
        return container[key]
    raise NoValueError("there is no such key or item")


def _short(value: Any) -> Any:
    if len(value) > LONGEST:
        raise NoValueError("a text or a list would be too long")
    return value


def _bounded(number: Any) -> Any:
    if isinstance(number, int) and not -LARGEST <= number < LARGEST:
        raise NoValueError("a number is too large")
    return number


LESS: dict[str, Callable[[Any, Any], Any]] = {
    "==": equal,
    "!=": lambda one, other: not equal(one, other),
    "<": compared(operator.lt),
    "<=": compared(operator.le),
    ">": compared(operator.gt),
    ">=": compared(operator.ge),
    "in": lambda one, other: within(other, one),
}
SUMS: dict[str, Callable[[Any, Any], Any]] = {"+": added, "-": reckoned(operator.sub)}
PRODUCTS: dict[str, Callable[[Any, Any], Any]] = {
    "*": reckoned(operator.mul),
    "/": reckoned(quotient),
    "%": reckoned(remainder),
}
