"""What CEL says of every item of a list or key of a map; together no more steps than an answer may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mads.guard.cel.values import NoValueError, is_list, is_map

MOST = 10_000
"""How many items may be looked at in one evaluation."""

STEPS = "steps"
"""The fact that counts them: a list of one number. No name in an expression reaches it."""

Part = Callable[[Mapping[str, Any]], Any]


def has(holder: Part, field: str) -> Part:
    """Return whether there is such a field."""

    def is_there(facts: Mapping[str, Any]) -> bool:
        found = holder(facts)
        if not is_map(found):
            raise NoValueError(f"what is no map has no {field}")
        return field in found

    return is_there


def _each(holder: Part, variable: str, part: Part) -> Callable[[Mapping[str, Any]], Iterator[tuple[Any, Any]]]:
    """Yield each item, and what `part` says of it."""

    def each(facts: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
        items = holder(facts)
        if not is_list(items) and not is_map(items):
            raise NoValueError("only a list or a map has items")
        steps = facts[STEPS]
        for item in items:
            steps[0] += 1
            if steps[0] > MOST:
                raise NoValueError(f"it takes more than {MOST} steps")
            yield item, part({**facts, variable: item})

    return each


def _truths(holder: Part, variable: str, part: Part) -> Callable[[Mapping[str, Any]], Iterator[tuple[Any, bool]]]:
    each = _each(holder, variable, part)

    def truths(facts: Mapping[str, Any]) -> Iterator[tuple[Any, bool]]:
        for item, value in each(facts):
            if not isinstance(value, bool):
                raise NoValueError("what is said of an item is neither true nor false")
            yield item, value

    return truths


def _all(holder: Part, variable: str, part: Part) -> Part:
    truths = _truths(holder, variable, part)
    return lambda facts: all(value for _, value in truths(facts))


def _exists(holder: Part, variable: str, part: Part) -> Part:
    truths = _truths(holder, variable, part)
    return lambda facts: any(value for _, value in truths(facts))


def _exists_one(holder: Part, variable: str, part: Part) -> Part:
    truths = _truths(holder, variable, part)
    return lambda facts: sum(value for _, value in truths(facts)) == 1


def _filter(holder: Part, variable: str, part: Part) -> Part:
    truths = _truths(holder, variable, part)
    return lambda facts: [item for item, value in truths(facts) if value]


def _map(holder: Part, variable: str, part: Part) -> Part:
    each = _each(holder, variable, part)
    return lambda facts: [value for _, value in each(facts)]


MACROS: dict[str, Callable[[Part, str, Part], Part]] = {
    "all": _all,
    "exists": _exists,
    "exists_one": _exists_one,
    "filter": _filter,
    "map": _map,
}
TRUTHS = ("all", "exists", "exists_one")
