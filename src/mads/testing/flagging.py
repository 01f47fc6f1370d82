"""Flags for a unit test, said by name."""
# ruff: noqa: N801  it is used as a verb, like contextlib.closing

from collections.abc import Mapping
from typing import Any

from mads.guard.flags.snapshot import fits


class flagging:
    """A `Flags` that are what is said here, and for everything else what the code says; `asked` is what was asked.

    A value that does not fit the code's own fails the test.
    """

    def __init__(self, flags: Mapping[str, Any]) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._flags = flags

    def __call__(self, flag: str, default: Any, /, **about: Any) -> Any:
        """Return what the flag is."""
        self.asked.append((flag, about))
        value = self._flags.get(flag, default)
        if not fits(value, default):
            raise AssertionError(f"flag {flag!r} is {value!r} here, and the code has {default!r}")
        return value
