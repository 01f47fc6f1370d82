"""On which condition a rule counts: an expression in CEL over the facts of one call, compiled once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from mads.guard.cel.compile import Part, compiled
from mads.guard.cel.macros import STEPS
from mads.guard.cel.values import NoValueError

NAMES = ("principal", "tenant", "roles", "tool", "arguments", "conversation", "labels", "chain")
"""What a condition may ask of."""


@lru_cache(4096)
def part(source: str) -> Part:
    """Return the function that an expression is; raise `UsageError` where it is none."""
    return compiled(source, NAMES)


def holds(source: str, facts: Mapping[str, Any]) -> tuple[bool, str]:
    """Return whether `source` is true of these facts; and why it has no value, "" where it has one.

    The reason says nothing that the facts hold.
    """
    try:
        value = part(source)({**facts, STEPS: [0]})
    except NoValueError as error:
        return False, str(error)
    except (RecursionError, TypeError, ValueError, MemoryError) as error:
        return False, type(error).__name__
    return (value, "") if isinstance(value, bool) else (False, "it is neither true nor false")
