"""The tables `[[canaries]]` of `mads.toml`: a second version of a MAD, which answers a part of the conversations."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, get_args

from msgspec import Meta, Struct

from mads.author.contract import interface, misfits
from mads.author.declaration import Declaration
from mads.author.message import wire_name
from mads.author.needs import Kept
from mads.author.schema import tool_infos
from mads.guard.canary.split import Split
from mads.guard.canary.trial import Rule
from mads.host.quantity import Share
from mads.host.think.thinker import TALKS

Part = Annotated[float, Meta(ge=0, le=1)]
Times = Annotated[float, Meta(ge=1, le=1000)]

_HEAD = "[[canaries]]"


class CanaryConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """One canary: `use`, another of the MADs, answers for a `share` of the conversations what `mad` is asked.

    Of all its tools, or only of `tools`. Of what is only read a share, `shadow`, of what the first version answers is
    put to the second as well, to compare the answers. Once `least` calls of the second are counted it is rolled back
    where the share of its calls that fail is larger than that of the first by more than `errors`, that of its calls
    that take more than `slower` times what is usual by more than `slow`, that of those which cost more than `dearer`
    times what is usual by more than `dear`, or where more than `differ` of its answers are others; it is promoted once
    it is sure that none of that is so. `risk` is in what share of all canaries either may be wrong.
    """

    SAME: ClassVar[str] = "is about the same MAD as rule {}; write what both say into one"

    mad: str
    use: str
    tools: tuple[str, ...] = ()
    share: Annotated[float, Meta(gt=0, le=0.9)] = 0.1
    shadow: Part = 0.2
    least: Annotated[int, Meta(ge=1, le=1_000_000)] = 10
    risk: Annotated[float, Meta(ge=0.000001, le=0.5)] = 0.05
    errors: Share = 0.05
    slower: Times = 1.5
    slow: Share = 0.1
    dearer: Times = 1.5
    dear: Share = 0.1
    differ: Share = 0.05

    def counted(self) -> Any:
        """Return what no two rules may have in common."""
        return self.mad

    def mistakes(self, mads: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with what the fields say where these `mads` are there, each under its field's name."""
        for key, name in (("mad", self.mad), ("use", self.use)):
            if name not in mads:
                yield key, f'there is no MAD {name!r}; write it below [mads], as in {name} = "module:Class"'
        if self.mad == self.use:
            yield "use", f"is {self.mad} itself; write the name of another MAD, which is its second version"
        if "steward" in (self.mad, self.use):
            yield "mad", "the steward has one version: by it all others are seen to"

    def split(self, declared: Mapping[str, Declaration]) -> Split:
        """Return what divides the calls of `mad`."""
        rule = Rule(**{key: getattr(self, key) for key in Rule.__struct_fields__})
        return Split(self.mad, self.use, self.divided(declared[self.mad]), rule)

    def divided(self, of: Declaration) -> tuple[str, ...]:
        """Return the tools of which there are two versions: those that a model answers for the MAD are none."""
        return self.tools or tuple(name for name, tool in of.tools.items() if tool.method != TALKS)


def firsts(rules: Sequence[CanaryConfig]) -> dict[str, str]:
    """Return whose second version each MAD is that is one."""
    return {rule.use: rule.mad for rule in rules}


def mistaken(
    rules: Sequence[CanaryConfig], declared: Mapping[str, Declaration], foreign: Collection[str]
) -> Iterator[str]:
    """Yield why the second version of a MAD cannot answer for the first."""
    for rule in rules:
        first, second = declared.get(rule.mad), declared.get(rule.use)
        if first is None or second is None:
            continue
        head = f"{_HEAD} {rule.mad}:"
        if {rule.mad, rule.use} & {*foreign}:
            yield f"{head} an MCP server has one version; what it offers is not known here"
            continue
        others = [it for it in rules if it is not rule and {rule.mad, rule.use} & {it.use, it.mad}]
        if others:
            yield f"{head} {rule.mad} and {rule.use} are in another canary too; give each a second version of its own"
        yield from (f"{head} {why}" for why in _unlike(rule, first, second))


def _unlike(rule: CanaryConfig, first: Declaration, second: Declaration) -> Iterator[str]:
    """Yield in what the second version differs that callers, or what is kept, would notice."""
    infos = [*tool_infos(rule.mad, first), *tool_infos(rule.use, second)]
    known = interface({rule.mad, rule.use}, infos, []).mads
    old, new = known[rule.mad].tools, known[rule.use].tools
    for name in rule.divided(first):
        if name not in old:
            yield f"{rule.mad} has no tool {name!r}; it has {', '.join(old)}"
        elif name not in new:
            left = ", ".join(f'"{each}"' for each in rule.divided(first) if each in new)
            yield f"{rule.use} has no tool {name!r}; write it there, or: tools = [{left}]"
        elif gaps := misfits(old[name], new[name]):
            yield f"{rule.use}.{name} cannot answer for {rule.mad}.{name}: {'; '.join(gaps)}"
    kept = dict(_kept(first))
    for field, type_ in _kept(second):
        if kept.get(field, type_) != type_:
            yield (
                f"{rule.use} keeps {type_} in {field!r}, where {rule.mad} keeps {kept[field]}, and both keep the same "
                f"rows: import that from {first.cls.__module__}, or keep the other in a field of another name"
            )


def _kept(declared: Declaration) -> Iterator[tuple[str, str]]:
    for field in declared.fields:
        if getattr(field.type, "__origin__", None) is Kept:
            yield field.name, wire_name(get_args(field.type)[0])
