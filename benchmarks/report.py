"""Figures for people, and with `JSON=1` one JSON object on the last line for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

Figures = Mapping[str, float | None]
"""What was measured; None is what could not be, and null in JSON."""


def table(name: str, figures: Figures) -> None:
    """Print `figures` under `name`, one a line."""
    width = max(map(len, figures), default=0)
    print(f"\n{name}")
    for key, figure in figures.items():
        print(f"  {key:<{width}}  {'-' if figure is None else f'{figure:,.10g}':>10}")


def report(name: str, figures: Figures) -> None:
    """Print `figures` as a table, and as JSON where that is asked for."""
    table(name, figures)
    if os.environ.get("JSON") == "1":
        print(json.dumps(dict(figures)))
