"""A span of time on the command line: a number and its unit, as in 30m, 12h or 7d."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import click


class Span(click.ParamType[float]):
    """A span of time, as seconds."""

    name = "span"
    units: ClassVar[dict[str, int]] = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds that `value` stands for."""
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"([0-9]{1,9}) ?(s|m|min|h|d)", str(value))
        if match is None:
            self.fail(f"{value!r} is no span; write a number and s, m, h or d, as in 7d", param, ctx)
        return float(int(match[1]) * self.units[match[2]])
