"""`Sensitive[T]`: a value that is handed on, and never written down."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from msgspec import Meta, inspect

T = TypeVar("T")

_MARK = "mads-sensitive"

Sensitive = Annotated[T, Meta(extra={_MARK: True})]
"""A `T` in a message, an argument or a result, for which record, traces and logs say `[sensitive]`."""


def is_sensitive(node: inspect.Type) -> bool:
    """Return whether `node`, as msgspec sees a type, is marked."""
    extra: Any = getattr(node, "extra", None)
    return extra is not None and _MARK in extra
