"""What `mads.toml` says anew is taken up by the system that runs: some at once, the rest with its next start.

The file is the one truth: whoever changes a setting changes it there, by hand or by `mads set`. A file with a mistake
in it changes nothing.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from mads.bus.port import Bus
from mads.guard.budget.accounts import Accounts
from mads.guard.limits.book import Book
from mads.guard.principals import only_operator
from mads.host.audit import Trail
from mads.host.caller import Caller
from mads.host.config import FILE, Config, understood
from mads.host.level import log_from
from mads.host.supervise.place import Place
from mads.wire.errors import InvalidMessage
from mads.wire.settings import Setting


@dataclass(frozen=True, slots=True)
class Holding:
    """What holds calls: what may be spent, what may be asked for, and where each MAD is served."""

    accounts: Accounts
    book: Book
    places: Mapping[str, Place]


class Settings:
    """Takes up what the file of `config` says, and keeps `config` as what counts.

    `hold` is told of other bounds, and over `bus` processes of their log level; `audit` has each change.
    """

    def __init__(self, config: Config, hold: Holding, audit: Trail, bus: Bus, caller: Caller) -> None:
        self._config, self._hold, self._audit, self._bus, self._caller = config, hold, audit, bus, caller
        self._turn, self._told = asyncio.Lock(), dict[str, Any]()

    async def take(self, changes: Mapping[str, str]) -> list[Setting]:
        """Make `changes` in the file, then take up what it says; return what differs from what counted.

        Raises `InvalidMessage` with every mistake that the file would have; nothing is changed then.
        """
        only_operator("change settings")
        async with self._turn:
            path = Path(self._config.root) / FILE
            text, config = await asyncio.to_thread(_anew, path, changes)
            was, now = _flat(self._config), _flat(config)
            keys = [key for key in {**was, **now} if was.get(key) != now.get(key)]
            for key in (key for key in keys if self._told.get(key, was.get(key)) != now.get(key)):
                await self._audit.changed("setting", key, f"{now.get(key)!r} instead of {was.get(key)!r}")
                self._told[key] = now.get(key)
            if changes:
                await asyncio.to_thread(_replaced, path, text)
            await self._take_up(config)
            left = _flat(self._config)
            return [
                Setting(key=key, was=was.get(key), now=now.get(key), counts=left.get(key) == now.get(key))
                for key in keys
            ]

    async def _take_up(self, config: Config) -> None:
        ours = self._config
        if self._hold.book.adopt([limit.rule() for limit in config.limits]):
            ours.limits = config.limits
        both = {name: (mad, config.mads[name]) for name, mad in ours.mads.items() if name in config.mads}
        if both.keys() == config.mads.keys() and self._hold.accounts.adopt(config.caps()):
            ours.budget = config.budget
            ours.mads |= {name: replace(mad, budget=new.budget) for name, (mad, new) in both.items()}
        for name, (mad, new) in both.items():
            if (mad.at_once == "auto") == (new.at_once == "auto"):
                ours.mads[name] = replace(ours.mads[name], at_once=new.at_once, inbox=new.inbox)
                self._hold.places[name].seat.resize(ours.mads[name])
        if ours.log != config.log:
            ours.log = config.log
            await log_from(config.log.level, self._bus, self._caller)


def _anew(path: Path, changes: Mapping[str, str]) -> tuple[str, Config]:
    """Return the text of the file with `changes`, and what it says."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidMessage(f"{path}: {error}") from error
    if changes:
        from mads.host.edit import edited  # noqa: PLC0415  its library is slow to import, and seldom needed

        text = edited(text, changes, [field.name for field in msgspec.structs.fields(Config)])
    config, mistakes = understood(text, path.parent)
    if mistakes:
        raise InvalidMessage("\n".join(mistakes))
    return text, config


def _replaced(path: Path, text: str) -> None:
    """Write the file anew; whoever reads it sees the old one or the new one."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f".{FILE}.", delete=False) as new:
        try:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
            Path(new.name).chmod(path.stat().st_mode)
            Path(new.name).replace(path)
        except BaseException:
            Path(new.name).unlink()
            raise


def _flat(config: Config) -> dict[str, Any]:
    """Return every value by its key, with dots between the names of tables and the numbers of lists of tables."""
    return dict(_leaves("", msgspec.to_builtins(config)))


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    tables: Mapping[Any, Any] | None = None
    if isinstance(value, dict):
        tables = cast("dict[str, Any]", value)
    elif isinstance(value, tuple | list) and value and isinstance(value[0], dict):
        tables = dict(enumerate(cast("Sequence[Any]", value), 1))
    if tables is None:
        yield key, value
    else:
        for name, each in tables.items():
            yield from _leaves(f"{key}.{name}" if key else name, each)
