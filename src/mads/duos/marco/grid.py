"""Rows of cells as a table in Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def grid(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the table of `rows`, the first of which is its head; of a single column, its cells."""
    rows = [row for row in rows if any(row)]
    width = max((len(row) for row in rows), default=0)
    if width <= 1:
        return [cell for row in rows for cell in row]
    lines = [_line([*row, *[""] * (width - len(row))]) for row in rows]
    return ["\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("\n", " ").replace("|", "\\|") for cell in cells) + " |"
