"""An amount of money on the command line: dollars as a person writes them, as in 0.0042."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Any

import click

MOST = 10**9
"""Dollars that nobody is charged."""


class Dollars(click.ParamType[int]):
    """An amount in dollars, as millionths of one."""

    name = "dollars"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the millionths that `value` stands for; a part of one counts as one, as in the book."""
        if isinstance(value, int):
            return value
        try:
            dollars = Decimal(str(value))
        except InvalidOperation:
            dollars = Decimal("NaN")
        if not dollars.is_finite() or not 0 <= dollars < MOST:
            self.fail(f"{value!r} is no amount; write dollars, as in 0.0042", param, ctx)
        return int((dollars * 1_000_000).to_integral_value(ROUND_CEILING))
