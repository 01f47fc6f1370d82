"""`Sensitive[T]`: a value that is handed on, and left out of what is written down about it."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from msgspec import Meta, inspect

T = TypeVar("T")

_MARK = "mads-sensitive"

Sensitive = Annotated[T, Meta(extra={_MARK: True})]
"""A `T` in a message, an argument or a result, for which record, traces and logs say `[sensitive]`.

What is to be handed on after a crash is on disk as it is: in `Kept`, in a command until it is done, in a step's result.
"""


def is_sensitive(node: inspect.Type) -> bool:
    """Return whether `node`, as msgspec sees a type, is marked."""
    extra: Any = getattr(node, "extra", None)
    return extra is not None and _MARK in extra
