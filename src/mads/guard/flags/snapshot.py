"""All flags as they stand in one file: what each is for somebody, and by which rule."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from mads.guard.flags.logic import Facts, Rule

Reason = Literal["STATIC", "TARGETING_MATCH", "DEFAULT", "DISABLED", "ERROR"]
"""Why a flag is what it is, in the words of OpenFeature."""


class Flag(Struct, frozen=True, kw_only=True):
    """One flag: its `variants` by name, which of them it is where no rule says otherwise ("": the caller's), its rule.

    `fixed` is its value where it has that for everybody, else None.
    """

    key: str
    enabled: bool
    variants: Mapping[str, Any]
    default: str = ""
    rule: Rule | None = None
    fixed: Any = None


class Evaluation(Struct, frozen=True):
    """What a flag is for somebody: the `variant` and its `value`, or None for both where it is what its caller says."""

    reason: Reason
    variant: str | None = None
    value: Any = None
    why: str = ""


class Snapshot(Struct, frozen=True):
    """The flags of one file, by key; `revision` changes with the file."""

    flags: Mapping[str, Flag]
    revision: str = ""

    def evaluate(self, key: str, about: Facts) -> Evaluation:
        """Return what the flag is for whom all this is known of; `targetingKey` is who it is."""
        flag = self.flags.get(key)
        if flag is None:
            return Evaluation("ERROR", why=f"there is no flag {key!r}")
        if not flag.enabled:
            return Evaluation("DISABLED")
        if flag.rule is None:
            return self._default(flag, "STATIC")
        chosen = flag.rule({**about, "$flagd": {"flagKey": key, "timestamp": int(time.time())}})
        if chosen is None:
            return self._default(flag, "DEFAULT")
        variant = str(chosen).lower() if isinstance(chosen, bool) else str(chosen)
        if variant not in flag.variants:
            return Evaluation("ERROR", why=f"its rule gives {variant!r:.100}, and it has {', '.join(flag.variants)}")
        return Evaluation("TARGETING_MATCH", variant, flag.variants[variant])

    def _default(self, flag: Flag, reason: Reason) -> Evaluation:
        return Evaluation(reason, flag.default, flag.variants[flag.default]) if flag.default else Evaluation("DEFAULT")


NONE = Snapshot({})


def fits(value: Any, default: Any) -> bool:
    """Return whether a flag that is `value` may stand where code has `default`: a whole number is a float too."""
    if isinstance(default, float):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(default, (dict, list)):
        return isinstance(value, (dict, list))
    return type(value) is type(default)
