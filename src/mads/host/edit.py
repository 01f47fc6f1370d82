"""Keys of `mads.toml` are given other values in its text: whatever else stands there stays, comments too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, InlineTable

from mads.wire.errors import InvalidMessage

WRITE = "write KEY=VALUE, as in scribe.at_once=4, budget.system='2 USD/day' or log.level=debug"


def edited(text: str, changes: Mapping[str, str], tables: Sequence[str]) -> str:
    """Return `text` with `changes`: a value by its key, "" for none.

    A key that begins with none of `tables` is a MAD's. Raises `InvalidMessage` where it is none, or is below something
    that has no keys.
    """
    document = tomlkit.parse(text)
    for key, value in changes.items():
        try:
            path = _path(key)
            _put(document, path if path[0] in tables else ["mads", *path], value)
        except (TOMLKitError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise InvalidMessage(f"{key!r} is no setting of mads.toml; {WRITE}") from error
    return tomlkit.dumps(document)


def _put(table: Any, path: list[str], value: str) -> None:
    *above, last = path
    for place, name in enumerate(above):
        if isinstance(table, AoT):
            table = table[_number(name)]
            continue
        is_mad = place == 1 and above[0] == "mads"
        if name not in table:
            if is_mad:
                raise InvalidMessage(f"mads.toml names no MAD {name!r}; it names {', '.join(table)}; {WRITE}")
            table[name] = tomlkit.table()
        elif is_mad and isinstance(table[name], str):  # NAME = "module:Class"
            table[name] = _table(table[name])
        table = table[name]
    if value:
        table[last] = _value(value)
    else:
        table.pop(last, None)


def _table(use: Any) -> InlineTable:
    """Return the table that the name of a class stands for, with the comment behind it."""
    table = tomlkit.inline_table()
    table["use"] = str(use)
    table.trivia.comment_ws, table.trivia.comment = use.trivia.comment_ws, use.trivia.comment
    return table


def _number(name: str) -> int:
    """Return the place in a list of what is called by its number, from 1."""
    number = int(name)
    if number < 1:
        raise ValueError(name)
    return number - 1


def _path(key: str) -> list[str]:
    """Return the names in a dotted key, in quotes or not."""
    path = [each.key for each in tomlkit.key_value(f"{key} = 0")[0]]
    if len(path) < 2:  # noqa: PLR2004  what, and which of it
        raise ValueError(key)
    return path


def _value(value: str) -> Any:
    """Return what `value` is as TOML, or the words themselves."""
    try:
        return tomlkit.value(value)
    except TOMLKitError:
        return value
