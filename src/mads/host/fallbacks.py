"""The tables `[[fallbacks]]` of `mads.toml`: what stands in for a tool that is off, broken or not there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from mads.author.contract import interface, misfits
from mads.author.declaration import Declaration, Tool
from mads.author.schema import tool_infos
from mads.guard.fallback import Instead
from mads.wire import codec
from mads.wire.errors import InvalidMessage

_HEAD = "[[fallbacks]]"


class FallbackConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in for a `tool`: another that takes and answers the same, to `use`, or a `value`."""

    SAME: ClassVar[str] = "is about the same tool as rule {}; write one of them"

    tool: str
    use: str = ""
    value: Any | UnsetType = UNSET

    def counted(self) -> Any:
        """Return what no two rules may have in common."""
        return self.tool

    def mistakes(self, mads: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with what the fields say; whether there are such tools is known once all are read."""
        del mads
        if bool(self.use) == (self.value is not UNSET):
            yield "", f'stands in for {self.tool} by nothing, or twice; write use = "mads.NAME.TOOL", or value = …'


class Fallbacks:
    """The `rules` of a system whose MADs are `declared`; of those that are `foreign` no tool is known yet."""

    def __init__(
        self, rules: Sequence[FallbackConfig], declared: Mapping[str, Declaration], foreign: Collection[str]
    ) -> None:
        self._rules, self._declared, self._foreign = rules, declared, foreign

    def instead(self) -> dict[str, Instead]:
        """Return what stands in for each tool, by canonical name; there are no `mistakes`."""
        return {rule.tool: Instead(rule.use, b"" if rule.use else self._body(rule)) for rule in self._rules}

    def mistakes(self) -> list[str]:
        """Return what cannot work with these tools."""
        uses = {rule.tool: rule.use for rule in self._rules}
        found = [f"{_HEAD} {rule.tool}: {why}" for rule in self._rules if (why := self._mistake(rule))]
        for tool in uses:
            way = [tool]
            while (step := uses.get(way[-1])) and step not in way:
                way.append(step)
            if step == tool:
                found.append(f"{_HEAD} {tool}: runs in a circle: {' → '.join((*way, tool))}; end it with a value")
        return found

    def _mistake(self, rule: FallbackConfig) -> str:
        if _mad(rule.tool) in self._foreign:
            return "is an MCP server's, of whose contract nothing is known here; write a value" if rule.use else ""
        for name in (rule.tool, rule.use) if rule.use else (rule.tool,):
            if why := self._unfit(name):
                return why
        if rule.use:
            gaps = self._contract(rule)
            return f"{rule.use} is no match for it: {'; '.join(gaps)}" if gaps else ""
        tool = self._tool(rule.tool)
        if tool is not None and tool.mark.destructive:
            return "destroys something, and nobody would know that it has not; a value cannot stand in for that"
        try:
            self._body(rule)
        except InvalidMessage as error:
            return f"value = {rule.value!r:.100} is not what it answers: {error}"
        return ""

    def _unfit(self, name: str) -> str:
        tool, there = self._tool(name), self._declared.get(_mad(name))
        if tool is None:
            of = f"; {_mad(name)} has {', '.join(there.tools)}" if there else "; write mads.NAME.TOOL"
            return f"there is no tool {name!r}{of}"
        return f"{name} streams, and what was said of an answer cannot be taken back" if tool.streams else ""

    def _contract(self, rule: FallbackConfig) -> list[str]:
        """Return why the one cannot answer for the other."""
        mads = {_mad(rule.tool), _mad(rule.use)}
        infos = [info for mad in mads for info in tool_infos(mad, self._declared[mad])]
        known = {
            f"mads.{mad}.{name}": it
            for mad, all_ in interface(mads, infos, []).mads.items()
            for name, it in all_.tools.items()
        }
        return misfits(known[rule.tool], known[rule.use])

    def _tool(self, name: str) -> Tool | None:
        there = self._declared.get(_mad(name)) if name.startswith("mads.") else None
        return there.tools.get(name.split(".", 2)[-1]) if there else None

    def _body(self, rule: FallbackConfig) -> bytes:
        """Return the value as the tool would answer it."""
        tool, value = self._tool(rule.tool), rule.value
        if tool is not None:
            return bytes(codec.raw(codec.fit(value, tool.result)))
        text: str = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        result: dict[str, Any] = {"content": [{"type": "text", "text": text}]}
        return bytes(codec.raw({**result, "structuredContent": value} if isinstance(value, dict) else result))


def calls(rules: Sequence[FallbackConfig], mad: str) -> tuple[str, ...]:
    """Return what `mad` calls where one of its tools cannot answer."""
    return tuple(rule.use for rule in rules if rule.use and _mad(rule.tool) == mad)


def _mad(name: str) -> str:
    return (*name.split("."), "")[1]
