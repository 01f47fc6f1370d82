"""Feature flags as the control plane tells of them."""

from typing import Any

from msgspec import Struct


class FlagInfo(Struct, frozen=True, kw_only=True):
    """A flag: its `variants` by name, which one it is unless its rule says otherwise ("": the caller's own value)."""

    flag: str
    state: str
    variants: dict[str, Any]
    default: str
    has_rule: bool


class FlagFound(Struct, frozen=True, kw_only=True):
    """What a flag is for somebody, and by which reason of OpenFeature; no `variant` where the caller's value counts."""

    flag: str
    reason: str
    variant: str | None
    value: Any
    why: str = ""
