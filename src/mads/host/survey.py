"""Everything that can be known of a system before it runs: its MADs read, and how each of their fields is filled."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mads.author.declaration import Declaration, readable
from mads.author.lint import mistakes
from mads.author.needs import Think
from mads.host.breakers import unfitting
from mads.host.canaries import firsts, mistaken
from mads.host.config import UPSTREAM, Config, MadConfig
from mads.host.events import critical
from mads.host.fallbacks import Fallbacks
from mads.host.flags import Tools, flags_in
from mads.host.inject import Filling, Mad, Need, plan
from mads.host.load import extend_path, load_class
from mads.host.think.thinker import talking, thinker_of
from mads.wire.errors import ConfigError, UsageError

BUILT_IN = "mads.duos."
"""Where the MADs are that come with mads: the source of those is looked at by its own tests, not at each start."""


@dataclass(frozen=True, slots=True)
class Survey:
    """The declarations of all MADs by name, and the fillings of their fields."""

    declared: Mapping[str, Declaration]
    fillings: Mapping[str, list[Filling]]

    def order(self) -> list[str]:
        """Return the names of the MADs, each after those it calls; those that call each other as they are listed."""
        done: list[str] = []
        thinker = thinker_of(self.declared)

        def visit(name: str, above: tuple[str, ...]) -> None:
            if name in done or name in above:
                return
            for filling in self.fillings[name]:
                if isinstance(filling.source, Mad):
                    visit(filling.source.name, (*above, name))
                elif filling.source == Need(Think) and thinker:
                    visit(thinker, (*above, name))
            done.append(name)

        for name in self.declared:
            visit(name, ())
        return done


def survey(config: Config, *, is_whole: bool = True, of: str = "") -> Survey:
    """Read every MAD of `config`; raise one `ConfigError` with all that would fail at start, a line each.

    Unless `config` `is_whole`, a MAD that it lacks is no mistake. Where it is the survey `of` one MAD, mistakes of the
    others are left to them, as long as that one can be built.
    """
    extend_path(config)
    wrong: dict[str, list[str]] = {name: [] for name in ("", *config.mads)}
    declared, clear = _declared(config, wrong)
    is_whole = is_whole and len(declared) == len(config.mads)  # else the fields that name the rest are no mistake
    fillings: dict[str, list[Filling]] = {}
    classes = {name: read.cls for name, read in declared.items()}
    for name in clear:
        try:
            fillings[name] = plan(name, declared[name], config.mads[name].set, classes)
        except UsageError as error:
            wrong[name] += [line for line in str(error).splitlines() if is_whole or ": no MAD of " not in line]
    if is_whole:
        wrong[""] = [*critical.mistakes(declared), *_misguarded(config, declared)]
    is_clear = of and (wrong[of] or of in fillings)
    refuse(wrong[of] if is_clear else [line for lines in wrong.values() for line in lines])
    return Survey(talking(declared), fillings)


def _misguarded(config: Config, declared: Mapping[str, Declaration]) -> list[str]:
    """Return what is wrong with the rules that are about tools."""
    tools = [f"mads.{mad}.{tool}" for mad, read in declared.items() for tool in read.tools]
    wrong = [
        *unfitting(config.breakers, tools, foreign_of(config)),
        *mistaken(config.canaries, declared, foreign_of(config)),
    ]
    return [*wrong, *fallbacks_of(config, declared).mistakes(), *_flags_mistaken(config, tools)]


def _flags_mistaken(config: Config, tools: Collection[str]) -> list[str]:
    try:
        if config.flags:
            flags_in(Path(config.root) / config.flags, Tools(tools, foreign_of(config)))
    except ConfigError as error:
        return str(error).splitlines()
    return []


def foreign_of(config: Config) -> set[str]:
    """Return the MADs that stand for MCP servers."""
    return {name for name, mad in config.mads.items() if mad.use == UPSTREAM}


def fallbacks_of(config: Config, declared: Mapping[str, Declaration]) -> Fallbacks:
    """Return what stands in for which tools of these MADs."""
    return Fallbacks(config.fallbacks, declared, foreign_of(config))


def _declared(config: Config, wrong: dict[str, list[str]]) -> tuple[dict[str, Declaration], list[str]]:
    """Return what can be read, and of whom all of it; tell `wrong` the rest."""
    declared: dict[str, Declaration] = {}
    clear: list[str] = []
    for name, mad in config.mads.items():
        try:
            declared[name], unclear = readable(load_class(name, mad.use, config))
        except UsageError as error:
            wrong[name].append(str(error))
        else:
            known = [] if mad.use.startswith(BUILT_IN) else mistakes(declared[name])
            wrong[name] += [*unclear, *known, *_unaccepted(name, mad, declared[name])]
            clear += [] if unclear else [name]
    for name in declared.keys() & firsts(config.canaries):  # what is heard, or done by the clock, is done once
        declared[name] = replace(declared[name], listeners=(), timers=())
    return declared, clear


def _unaccepted(name: str, mad: MadConfig, read: Declaration) -> Iterator[str]:
    """Yield what is accepted for nothing: only what destroys has to; what a server offers is not known yet."""
    if mad.use == UPSTREAM:
        return
    destroys = [tool.name for tool in read.tools.values() if tool.mark.destructive]
    for tool in mad.accepts:
        if tool not in destroys and tool != "*":
            there = f"; of its tools {', '.join(destroys)} do" if destroys else ""
            yield f"[mads] {name}: accepts {tool!r}, which is no tool of it that destroys{there}; leave it out"


def refuse(wrong: list[str]) -> None:
    """Raise one `ConfigError` with all that is `wrong`, each once, where anything is."""
    if wrong:
        raise ConfigError("\n".join(dict.fromkeys(wrong)))
