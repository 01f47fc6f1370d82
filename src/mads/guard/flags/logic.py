"""The rules of flagd, which are JsonLogic: compiled once into functions of what is known of a caller.

A rule gives a value for any input: what makes no sense gives nothing, as in the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from mads.guard.flags.fraction import share
from mads.guard.flags.operations import PLAIN, is_list, is_table, truth

Facts = Mapping[str, Any]
Rule = Callable[[Any], Any]
"""What gives a value for facts, or within a list for each of its items."""

Rules = Mapping[str, Any]
"""Rules that others refer to, by name, as they are written."""

DEEP = 64
"""How deep a rule may be."""


class Compiler:
    """Compiles the rules of one file; each mistake is a `ValueError` that says what is wrong."""

    def __init__(self, shared: Rules) -> None:
        self._shared = shared

    def compiled(self, rule: Any, deep: int = 0) -> Rule:
        """Return `rule` as a function."""
        if deep > DEEP:
            raise ValueError(f"a rule is more than {DEEP} deep, or refers to itself")
        if is_list(rule):
            parts = [self.compiled(part, deep + 1) for part in rule]
            return lambda facts: [part(facts) for part in parts]
        if not is_table(rule) or not rule:
            return _constant(rule)
        if len(rule) != 1:
            raise ValueError(f"{rule!r:.100} is no rule: it has one operation, and that its arguments")
        ((name, given),) = rule.items()
        if name == "$ref":
            if given not in self._shared:
                raise ValueError(f"there is no {given!r} in $evaluators")
            return self.compiled(self._shared[given], deep + 1)
        arguments = given if is_list(given) else [given]
        parts = [self.compiled(each, deep + 1) for each in arguments]
        if name == "fractional":
            return _fractional(arguments, parts)
        make = _LAZY.get(name)
        if make is not None:
            return make(parts)
        if name not in PLAIN:
            raise ValueError(f"there is no operation {name!r}; there are {', '.join(sorted(OPERATIONS))}")
        return _applied(PLAIN[name], parts)


def _constant(value: Any) -> Rule:
    def constant(_: Any) -> Any:
        return value

    return constant


def _applied(do: Callable[..., Any], parts: Sequence[Rule]) -> Rule:
    def apply(facts: Any) -> Any:
        try:
            return do(*[part(facts) for part in parts])
        except (TypeError, ValueError, ArithmeticError, AttributeError):
            return None

    return apply


def _var(parts: Sequence[Rule]) -> Rule:
    name = parts[0] if parts else _constant("")
    default = parts[1] if len(parts) > 1 else _constant(None)

    def var(facts: Any) -> Any:
        found = _found(facts, name(facts))
        return default(facts) if found is None else found

    return var


def _found(facts: Any, path: Any) -> Any:
    """Return what stands at a path of words with dots between; None where nothing does."""
    for word in str(path).split(".") if path not in (None, "") else ():
        facts = _within(facts, word)
    return facts


def _within(value: Any, word: str) -> Any:
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value).get(word)
    if isinstance(value, (list, tuple, str)) and word.isdecimal():
        items = cast("Sequence[Any]", value)
        return items[int(word)] if int(word) < len(items) else None
    return None


def _if(parts: Sequence[Rule]) -> Rule:
    def choose(facts: Any) -> Any:
        for at in range(0, len(parts) - 1, 2):
            if truth(parts[at](facts)):
                return parts[at + 1](facts)
        return parts[-1](facts) if len(parts) % 2 else None

    return choose


def _first(*, true: bool) -> Callable[[Sequence[Rule]], Rule]:
    """Return what makes a rule that gives the first of its parts of that truth, else the last."""

    def make(parts: Sequence[Rule]) -> Rule:
        def first(facts: Any) -> Any:
            value = None
            for part in parts:
                value = part(facts)
                if truth(value) is true:
                    break
            return value

        return first

    return make


def _each(judge: Callable[[list[Any], Rule], Any]) -> Callable[[Sequence[Rule]], Rule]:
    """Return what makes a rule that asks something of each item of a list."""

    def make(parts: Sequence[Rule]) -> Rule:
        if len(parts) != 2:  # noqa: PLR2004  a list, and what is asked of each item
            raise ValueError("some, all, none, filter and map take a list and a rule for each of its items")

        def each(facts: Any) -> Any:
            items = parts[0](facts)
            return judge(items if is_list(items) else [], parts[1])

        return each

    return make


def _missing(parts: Sequence[Rule]) -> Rule:
    def missing(facts: Any) -> Any:
        asked = [part(facts) for part in parts]
        names = asked[0] if asked and is_list(asked[0]) else asked
        return [name for name in names if _found(facts, name) in (None, "")]

    return missing


def _missing_some(parts: Sequence[Rule]) -> Rule:
    """Return a rule that gives what is missing of some names, unless so many of them are there."""

    def missing(facts: Any) -> Any:
        least, names = (part(facts) for part in parts)
        if not is_list(names):
            return []
        gone = [name for name in names if _found(facts, name) in (None, "")]
        enough = isinstance(least, (int, float)) and len(names) - len(gone) >= least
        return [] if enough else gone

    if len(parts) != 2:  # noqa: PLR2004  how many, and of which
        raise ValueError('missing_some takes a number and names, as in [1, ["plan", "tenant"]]')
    return missing


def _reduce(parts: Sequence[Rule]) -> Rule:
    """Return a rule that takes the items of a list together, one after the other."""
    if len(parts) not in (2, 3):
        raise ValueError("reduce takes a list, a rule of `current` and `accumulator`, and what it begins with")

    def reduce(facts: Any) -> Any:
        items, sum_ = parts[0](facts), parts[2](facts) if len(parts) > 2 else None  # noqa: PLR2004
        for item in items if is_list(items) else ():
            sum_ = parts[1]({"current": item, "accumulator": sum_})
        return sum_

    return reduce


def _fractional(written: Sequence[Any], parts: Sequence[Rule]) -> Rule:
    """Return a rule that divides callers by a key: the first argument, or else their flag and their `targetingKey`."""
    keyed = bool(written) and not isinstance(written[0], list)
    shares = written[1:] if keyed else written
    for each in shares:
        if not is_list(each) or not 1 <= len(each) <= 2:  # noqa: PLR2004
            raise ValueError(f'{each!r:.100} is no part; write ["variant", 10], or ["variant"] for a weight of 1')
    divided = parts[1 if keyed else 0 :]

    def fractional(facts: Any) -> Any:
        whose = _within(facts, "targetingKey")
        if keyed:
            key = parts[0](facts)
        elif isinstance(whose, str) and whose:
            key = [_within(_within(facts, "$flagd"), "flagKey"), whose]
        else:
            return None
        given = [(part[0], part[1] if len(part) > 1 else 1) for part in (each(facts) for each in divided)]
        if key is None or any(type(weight) is not int for _, weight in given):
            return None
        try:
            chosen = share(key, [weight for _, weight in given])
        except ValueError:
            return None
        return None if chosen is None else given[chosen][0]

    return fractional


_LAZY: Mapping[str, Callable[[Sequence[Rule]], Rule]] = {
    "var": _var,
    "if": _if,
    "?:": _if,
    "and": _first(true=False),
    "or": _first(true=True),
    "missing": _missing,
    "missing_some": _missing_some,
    "reduce": _reduce,
    "some": _each(lambda items, rule: any(truth(rule(item)) for item in items)),
    "all": _each(lambda items, rule: bool(items) and all(truth(rule(item)) for item in items)),
    "none": _each(lambda items, rule: not any(truth(rule(item)) for item in items)),
    "filter": _each(lambda items, rule: [item for item in items if truth(rule(item))]),
    "map": _each(lambda items, rule: [rule(item) for item in items]),
}

OPERATIONS = frozenset({*_LAZY, *PLAIN, "fractional", "$ref"})
"""What a rule may do."""
