"""Settings that changed, as the control plane tells of them."""

from typing import Any

from msgspec import Struct


class Setting(Struct, frozen=True, kw_only=True):
    """A key of `mads.toml` that `was` something else than it is `now`; None where nothing stood, or stands, there.

    Where it `counts` it is in effect, else from the next start on.
    """

    key: str
    was: Any
    now: Any
    counts: bool
