"""`mads.toml` as types: what it may say, and every mistake in it at once."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal, TypeGuard, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct, field

from mads.egress.config import EgressConfig, Outgoing
from mads.egress.grants import Grants
from mads.guard.budget.cap import Cap
from mads.guard.oidc import Oidc
from mads.guard.scopes import check
from mads.host.breakers import BreakerConfig
from mads.host.budgets import Budget, BudgetConfig, misread
from mads.host.canaries import CanaryConfig
from mads.host.fallbacks import FallbackConfig
from mads.host.gateway import GatewayConfig, ServerConfig
from mads.host.lifecycle import Recycle, Supervision
from mads.host.limits import LimitConfig
from mads.host.mcp import McpConfig
from mads.host.quantity import WRITE, Size, Span, seconds
from mads.host.secrets.config import WRITE_ROOT, SecretsConfig
from mads.host.where import Place, line_of
from mads.host.writing import ADDRESS, Log, Retention, Traces
from mads.wire.call import Band
from mads.wire.errors import ConfigError, UsageError

_R = TypeVar("_R", LimitConfig, BreakerConfig, FallbackConfig, CanaryConfig)
_RULES: dict[str, type[Any]] = {
    "limits": LimitConfig,
    "breakers": BreakerConfig,
    "fallbacks": FallbackConfig,
    "canaries": CanaryConfig,
}

FILE = "mads.toml"
MOST_AT_ONCE = 256
"""How many calls a MAD handles side by side at most that finds out by itself how many."""

UPSTREAM = "mads.duos.upstream:Upstream"
"""The MAD that stands for an MCP server."""

STEWARD = "steward"
"""The control plane; a system that does not name it has it all the same, or nobody could ask how it fares."""

_TABLES = ("mads", "gateway", "supervision", "traces", "retention", "secrets", "egress", "budget", "log")
NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")

LONGEST = 400
"""Bytes that the path of a system may have: SQLite takes 512, and its files lie in folders below."""

_WRITE = (
    WRITE
    | WRITE_ROOT
    | {
        ADDRESS: 'write the address of a collector, as in "http://127.0.0.1:4318"; what only it may know goes into the '
        "environment: OTEL_EXPORTER_OTLP_HEADERS"
    }
)
"""What to write instead of what does not fit."""


class MadConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """One MAD: the class to `use`, where to `run` it, values to `set` on its fields.

    `calls` are patterns of the tools that it may call, instead of all those of the MADs that its fields name. `may` is
    what it may reach outside, as in "net:api.example.com", "net:*.example.org:8443": nothing, unless it says so;
    `outgoing` says what happens to secrets and personal data in what it sends. `accepts` are the tools of its that
    destroy and may be called with what is untrusted, as which all counts that it brings in, unless it is `trusted`.
    `at_once` calls are handled side by side, "auto" as many as make none of them slow; `inbox` more may wait. What a
    MAD of the `band` bulk does gives way to others: its calls and its process come last, its commands wait between two
    steps. `budget` is what may be spent by it and whom it calls. `restart` says whether it is started again when it
    ends: always, unless it ended by itself with status 0, or never. A child is killed that is not ready within `start`,
    whose loop stands still for `watchdog`, or that takes more than `memory` or `processes`.
    """

    use: str
    run: Literal["here", "process"] = "here"
    set: dict[str, Any] = field(default_factory=dict[str, Any])
    calls: tuple[str, ...] | None = None
    may: tuple[str, ...] = ()
    outgoing: Outgoing = Outgoing()
    accepts: tuple[str, ...] = ()
    trusted: bool = False
    at_once: Annotated[int, Meta(ge=1, le=65536)] | Literal["auto"] = 8
    inbox: Annotated[int, Meta(ge=1, le=65536)] = 256
    band: Literal["normal", "bulk"] = "normal"
    budget: Budget = ()
    restart: Literal["permanent", "transient", "temporary"] = "permanent"
    start: Span = 60.0
    watchdog: Span = 10.0
    memory: Size | None = None
    processes: Annotated[int, Meta(ge=1, le=65536)] = 64
    recycle: Recycle = Recycle()

    @property
    def places(self) -> int:
        """How many calls are handled side by side at most."""
        return MOST_AT_ONCE if self.at_once == "auto" else self.at_once

    @property
    def lowest(self) -> Band:
        """The lowest band in which the MAD may call."""
        return Band.BULK if self.band == "bulk" else Band.CONTROL


CONTROL = MadConfig("mads.duos.steward:Steward", at_once=64)
"""The steward where nobody says otherwise: who waits for an answer in a conversation keeps nobody from looking on."""


def standing_for(server: McpConfig) -> MadConfig:
    """Return the MAD that stands for an MCP server."""
    told = {
        "mcp": server.mcp,
        "env": server.env,
        "credential": server.credential,
        "within": seconds(server.within),
        "oauth": msgspec.to_builtins(server.oauth),
    }
    own = {key: getattr(server, key) for key in ("at_once", "inbox", "accepts", "trusted")}
    return MadConfig(UPSTREAM, set={"server": told}, **own)


class Config(Struct, forbid_unknown_fields=True):
    """A whole `mads.toml`: the bus, the folders in which MADs' modules are found, the gateway, the rules, the MADs.

    That of a system that runs is one for all its rooms; some of it changes meanwhile: see `mads.host.settings`.
    """

    mads: dict[str, MadConfig]
    bus: Literal["memory"] = "memory"
    path: tuple[str, ...] = (".",)
    gateway: GatewayConfig = GatewayConfig()
    supervision: Supervision = Supervision()
    traces: Traces | None = None
    retention: Retention = Retention()
    secrets: SecretsConfig = SecretsConfig()
    egress: EgressConfig = EgressConfig()
    limits: tuple[LimitConfig, ...] = ()
    breakers: tuple[BreakerConfig, ...] = ()
    fallbacks: tuple[FallbackConfig, ...] = ()
    canaries: tuple[CanaryConfig, ...] = ()
    budget: BudgetConfig = BudgetConfig()
    flags: str = ""
    log: Log = Log()
    root: str = ""

    def caps(self) -> list[Cap]:
        """Return every cap on what may be spent."""
        return [*self.budget.caps({name: mad.budget for name, mad in self.mads.items()})]


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
    config, mistakes = readable(root)
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return config


def readable(root: Path) -> tuple[Config, list[str]]:
    """Return as much as can be read of `mads.toml`, and every mistake; raise `ConfigError` where it is no TOML."""
    try:
        text = (root / FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{root / FILE}: {error}") from error
    return understood(text, root)


def understood(text: str, root: Path) -> tuple[Config, list[str]]:
    """Return as much as can be read of the `text` of the file in `root`, and every mistake; raise as `readable`."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{root / FILE}: {error}") from error
    reader = _Reader(text)
    named: Any = tables.pop("mads", {})
    if not named or not _is_table(named):
        reader.wrong(("mads",), 'names no MAD; write: [mads] and below it NAME = "module:Class"')
        named = {}
    mads = {name: mad for name, table in named.items() if (mad := reader.mad(name, table)) is not None}
    gateway = reader.gateway(tables.pop("gateway", {}))
    supervised = reader.table(("supervision",), tables.pop("supervision", {}), Supervision) or Supervision()
    traces = reader.table(("traces",), tables.pop("traces"), Traces) if "traces" in tables else None
    kept = reader.table(("retention",), tables.pop("retention", {}), Retention) or Retention()
    secrets = reader.table(("secrets",), tables.pop("secrets", {}), SecretsConfig) or SecretsConfig()
    log = reader.table(("log",), tables.pop("log", {}), Log) or Log()
    egress = reader.table(("egress",), tables.pop("egress", {}), EgressConfig) or EgressConfig()
    rules: dict[str, Any] = {
        key: reader.rules(key, tables.pop(key, []), type_, {*named, STEWARD}) for key, type_ in _RULES.items()
    }
    budget = reader.budget(tables.pop("budget", {}))
    rest: Config = reader.table((), {**tables, "mads": {}}, Config)
    mads.setdefault(STEWARD, CONTROL)
    tables = {"mads": mads, "gateway": gateway, "supervision": supervised, "traces": traces, "retention": kept}
    tables |= {"secrets": secrets, "egress": egress, "budget": budget, "log": log, "root": str(root)}
    return msgspec.structs.replace(rest, **tables, **rules), reader.mistakes


class _Reader:
    """Reads the tables of one file, and collects the mistakes in them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.mistakes: list[str] = []

    def wrong(self, path: Place, what: str) -> None:
        """Note what is wrong at `path`."""
        head = f"[[{path[0]}]]" if path[0] in _RULES else f"[{path[0]}]" if path[0] in _TABLES else path[0]
        place = " ".join((head, *path[1:]))
        line = line_of(self._text, path)
        self.mistakes.append(f"{FILE}: {f'line {line}: ' if line else ''}{place}: {what}")

    def mad(self, name: str, table: Any) -> MadConfig | None:
        """Return the configuration of a MAD; None where it does not say which class to use."""
        path = ("mads", name)
        if not NAME.fullmatch(name):
            self.wrong(path, "a name has small letters, digits and _, at most 32, and starts with a letter")
        if _is_table(table) and "mcp" in table:
            return self._mcp(path, table)
        read: MadConfig | None = self.table(path, {"use": table} if isinstance(table, str) else table, MadConfig)
        if read is not None and not re.fullmatch(r"[\w.]+:\w+", read.use):
            self.wrong((*path, "use"), f'write "module:Class", not {read.use!r}')
            return None
        try:
            check((read and read.calls) or ())
        except UsageError as error:
            self.wrong((*path, "calls"), str(error))
        try:
            Grants((read and read.may) or ())
        except UsageError as error:
            self.wrong((*path, "may"), str(error))
        for what in misread(read.budget if read else ()):
            self.wrong((*path, "budget"), what)
        if read is not None and read.run == "here":
            for key, value in (("memory", read.memory), ("recycle", read.recycle.rss)):
                if value is not None:
                    self.wrong(
                        (*path, key), f'memory is that of a whole process: write run = "process" at {name} as well'
                    )
        return read

    def _mcp(self, path: Place, table: Any) -> MadConfig | None:
        """Return the configuration of a MAD that stands for an MCP server."""
        read: McpConfig | None = self.table(path, table, McpConfig)
        for key, what in read.mistakes() if read else ():
            self.wrong((*path, *key), what)
        return standing_for(read) if read else None

    def gateway(self, table: Any) -> GatewayConfig:
        """Return the configuration of the gateway."""
        inner = ("oidc", "servers")
        rest = {key: value for key, value in table.items() if key not in inner} if _is_table(table) else table
        gateway: GatewayConfig = self.table(("gateway",), rest, GatewayConfig) or GatewayConfig()
        if not _is_table(table):
            return gateway
        oidc = self._oidc(table["oidc"]) if "oidc" in table else None
        return msgspec.structs.replace(gateway, oidc=oidc, servers=self._servers(table.get("servers", {})))

    def _oidc(self, table: Any) -> Oidc | None:
        oidc: Oidc | None = self.table(("gateway", "oidc"), table, Oidc)
        for key, what in oidc.mistakes() if oidc else ():
            self.wrong(("gateway", "oidc", key), what)
        return oidc

    def _servers(self, tables: Any) -> dict[str, ServerConfig]:
        """Return the configuration of each server of its own."""
        if not _is_table(tables):
            self.wrong(("gateway", "servers"), 'write [gateway.servers.NAME] and below it tools = ["mads.NAME.*"]')
            return {}
        servers: dict[str, ServerConfig] = {}
        for name, table in tables.items():
            path = ("gateway", "servers", name)
            if not NAME.fullmatch(name):
                self.wrong(path, "a name has small letters, digits and _, at most 32, and starts with a letter")
            servers[name] = self.table(path, table, ServerConfig) or ServerConfig()
            try:
                check(servers[name].tools)
            except UsageError as error:
                self.wrong((*path, "tools"), str(error).replace("scope", "pattern of tools"))
        return servers

    def budget(self, table: Any) -> BudgetConfig:
        """Return how much may be spent."""
        budget: BudgetConfig = self.table(("budget",), table, BudgetConfig) or BudgetConfig()
        for key, what in budget.mistakes():
            self.wrong(("budget", *key), what)
        return budget

    def rules(self, name: str, tables: Any, type_: type[_R], mads: Collection[str]) -> tuple[_R, ...]:
        """Return the rules of the list of that name."""
        if not _is_list(tables):
            self.wrong((name,), f"is a list of tables; write [[{name}]], once for each rule")
            return ()
        rules: list[_R] = []
        read: dict[Any, int] = {}
        for at, table in enumerate(tables, 1):
            path: Place = (name, str(at))
            before = len(self.mistakes)
            rule: _R | None = self.table(path, table, type_)
            if rule is None or len(self.mistakes) > before:
                continue
            for key, what in rule.mistakes(mads):
                self.wrong((*path, key) if key else path, what)
            first = read.setdefault(rule.counted(), at)
            if first != at:
                self.wrong(path, rule.SAME.format(first))
            rules.append(rule)
        return tuple(rules)

    def table(self, path: Place, table: Any, type_: type[Any]) -> Any:
        """Return what is right in `table` as `type_`, or None where a value that it needs is missing or wrong."""
        if not _is_table(table):
            self.wrong(path, f"expected a table, got {table!r}")
            return None
        fields = {it.name: it for it in msgspec.structs.fields(type_) if (type_, it.name) != (Config, "root")}
        right: dict[str, Any] = {}
        for key, value in table.items():
            if key not in fields:
                near = difflib.get_close_matches(key, fields, 1)
                meant = f"did you mean {near[0]!r}?" if near else f"it may have {', '.join(fields)}"
                self.wrong((*path, key), f"unknown key; {meant}")
                continue
            try:
                right[key] = msgspec.convert(value, fields[key].type)
            except msgspec.ValidationError as error:
                self.wrong((*path, key), _explained(error, fields[key].type))
        required = [name for name, field in fields.items() if field.required]
        for name in required:
            if name not in table:
                self.wrong(path, f"missing required field `{name}`")
        return type_(**right) if right.keys() >= {*required} else None


def _explained(error: msgspec.ValidationError, type_: Any) -> str:
    what, _, place = str(error).partition(" - at ")
    kinds = (type_, *get_args(type_))
    words = next((get_args(each) for each in kinds if get_origin(each) is Literal), ())
    for sign, write in _WRITE.items():
        if not words and (sign in what or repr(sign) in what or f"pattern={sign!r}" in repr(type_)):
            return f"{place and f'{place}: '}{write}"
    number = "a number, or " if any(get_args(each)[:1] == (int,) for each in kinds) else ""
    return f"{error}; it is {number}one of {', '.join(words)}" if words else str(error)


def _is_table(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
