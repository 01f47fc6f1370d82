"""`mads.toml` as types: what it may say, and every mistake in it at once."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeGuard

import msgspec
from msgspec import Meta, Struct, field

from mads.wire.errors import ConfigError

FILE = "mads.toml"
STEWARD = "steward"
"""The control plane; a system that does not name it has it all the same, or nobody could ask how it fares."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")

LONGEST = 400
"""Bytes that the path of a system may have: SQLite takes 512, and its files lie in folders below."""


class MadConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """One MAD: the class to `use`, where to `run` it, values to `set` on its fields.

    `at_once` calls are handled side by side; `inbox` more may wait.
    """

    use: str
    run: Literal["here", "process"] = "here"
    set: dict[str, Any] = field(default_factory=dict[str, Any])
    at_once: Annotated[int, Meta(ge=1, le=65536)] = 8
    inbox: Annotated[int, Meta(ge=1, le=65536)] = 256


class GatewayConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The MCP gateway: its port on the loopback interface; 0 takes a free one, None the usual one where it is free."""

    port: Annotated[int, Meta(ge=0, le=65535)] | None = None


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole `mads.toml`: the bus, the folders in which MADs' modules are found, the gateway, the MADs."""

    mads: dict[str, MadConfig]
    bus: Literal["memory"] = "memory"
    path: tuple[str, ...] = (".",)
    gateway: GatewayConfig = GatewayConfig()
    root: str = ""


def find_root(start: Path | None = None) -> Path:
    """Return the folder of the nearest `mads.toml` from `start` upwards; raise `ConfigError` where there is none."""
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return habitable(folder)
    raise ConfigError(f"no {FILE} in {start} or above; write one, or make a project with: mads new NAME")


def habitable(folder: Path) -> Path:
    """Return `folder`; raise `ConfigError` where its path is one with which no system could run."""
    path = os.fsencode(folder)
    try:
        path.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"the path {path!r} is no UTF-8; rename the folder") from error
    if len(path) > LONGEST:
        start = path[:40].decode(errors="replace")
        raise ConfigError(f"the path {start}… has {len(path)} bytes; move the folder to where it has {LONGEST} at most")
    return folder


def read_config(root: Path) -> Config:
    """Return what `mads.toml` in `root` says; raise one `ConfigError` with every mistake, a line each."""
    try:
        text = (root / FILE).read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{root / FILE}: {error}") from error
    mistakes: list[str] = []
    mads: Any = tables.pop("mads", {})
    if not mads or not _is_table(mads):
        mistakes.append('[mads] names no MAD; write: [mads] and below it NAME = "module:Class"')
        mads = {}
    known: dict[str, MadConfig | None] = {name: _mad(name, table, mistakes) for name, table in mads.items()}
    gateway = _table(tables.pop("gateway", {}), GatewayConfig, "[gateway]", mistakes)
    rest = _table({**tables, "mads": {}}, Config, "", mistakes)
    if mistakes or rest is None or gateway is None:
        raise ConfigError("\n".join(f"{FILE}: {_at(text, mistake)}" for mistake in mistakes))
    kept = {name: mad for name, mad in known.items() if mad is not None}
    kept.setdefault(STEWARD, MadConfig("mads.duos.steward:Steward"))
    whole: Config = msgspec.structs.replace(rest, mads=kept, gateway=gateway, root=str(root))
    return whole


def _mad(name: str, table: Any, mistakes: list[str]) -> MadConfig | None:
    place = f"[mads] {name}"
    if not NAME.fullmatch(name):
        mistakes.append(f"{place}: a name has small letters, digits and _, at most 32, and starts with a letter")
    read: MadConfig | None = _table({"use": table} if isinstance(table, str) else table, MadConfig, place, mistakes)
    if read is None:
        return None
    if not re.fullmatch(r"[\w.]+:\w+", read.use):
        mistakes.append(f'{place} use = {read.use!r}: write "module:Class"')
    return read


def _table(table: Any, type_: type[Any], place: str, mistakes: list[str]) -> Any:
    """Return `table` as `type_`, or None with what is wrong in it added to `mistakes`."""
    if not _is_table(table):
        mistakes.append(f"{place}: expected a table, got {table!r}")
        return None
    fields = [name for name in type_.__struct_fields__ if name != "root"]
    unknown = [key for key in table if key not in fields]
    for key in unknown:
        near = difflib.get_close_matches(key, fields, 1)
        meant = f"did you mean {near[0]!r}?" if near else f"it may have {', '.join(fields)}"
        mistakes.append(f"{place} {key}: unknown key; {meant}".strip())
    clean = {key: value for key, value in table.items() if key not in unknown}
    try:
        return msgspec.convert(clean, type_)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        mistakes.append(f"{place} {where.rstrip('`')}: {what}".strip())
        return None


def _is_table(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _at(text: str, mistake: str) -> str:
    """Return `mistake` with the number of the line that it speaks of, where that is plain to see."""
    for word in reversed(re.findall(r"[\w-]+", mistake.partition(":")[0])):
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(rf"(^|[\s{{,.\"]){re.escape(word)}\"?\s*=", line) or line.strip() == f"[{word}]":
                return f"line {number}: {mistake}"
    return mistake
