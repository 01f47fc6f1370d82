"""What is noted of a secret before anybody is answered: who wanted what of it, and whether that was allowed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct


class Access(Struct, frozen=True, kw_only=True):
    """`mad`, for `principal` of `tenant`, wanted of the secret at `path` what `rule` says."""

    path: str
    tenant: str
    rule: str
    allowed: bool = True
    mad: str = ""
    principal: str = ""


Note = Callable[[Access], Awaitable[None]]
"""Returns once an access is on disk; raises `StoreError` where it cannot be."""
