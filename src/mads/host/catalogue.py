"""What the MADs of a running system declare, for whoever asks: their tools, and who they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mads.author.declaration import CHAT, Declaration
from mads.author.message import subject, wire_name
from mads.author.needs import Talk, Think
from mads.author.schema import tool_infos
from mads.host.canaries import firsts
from mads.host.config import STEWARD, Config
from mads.host.events.heard import events_of
from mads.host.fallbacks import calls
from mads.host.history.transcript import SAY
from mads.host.inject import Filling, Mad, Made, Need
from mads.host.survey import Survey
from mads.host.think.thinker import COMPLETE, TALKS, thinker_of
from mads.wire.errors import InvalidMessage
from mads.wire.status import Shown
from mads.wire.tools import ToolInfo


class Catalogue:
    """The declarations by MAD, in the order of the configuration; one is replaced when its MAD is reloaded."""

    def __init__(self, config: Config, read: Survey) -> None:
        self._config = config
        self.declared, self.fillings = dict(read.declared), dict(read.fillings)
        self._offered = {mad: tool_infos(mad, declared) for mad, declared in self.declared.items()}
        self._listed()

    def renew(self, mad: str, declared: Declaration, fillings: list[Filling], offered: tuple[ToolInfo, ...]) -> None:
        """Say from now on that `mad` declares this; `offered` is what its tools say of themselves."""
        self.declared = {**self.declared, mad: declared}
        self.fillings = {**self.fillings, mad: fillings}
        self._offered = {**self._offered, mad: offered}
        self._listed()

    def offered(self, mad: str) -> tuple[ToolInfo, ...]:
        """Return every tool of `mad`."""
        return self._offered[mad]

    def callees(self) -> dict[str, set[str]]:
        """Return for each MAD those it names in its fields."""
        return {
            mad: {filling.source.name for filling in fillings if isinstance(filling.source, Mad)}
            for mad, fillings in self.fillings.items()
        }

    def calls(self) -> dict[str, tuple[str, ...]]:
        """Return what each MAD may call by itself, as patterns: what its fields name, or what `mads.toml` says."""
        return {mad: self._declares(mad) for mad in self.fillings}

    def tools(self) -> Sequence[ToolInfo]:
        """Return every tool of every MAD."""
        return self._tools

    def listed(self) -> Sequence[ToolInfo]:
        """Return every tool that a list may have: one of a second version is called by the name of the first."""
        return self._shown

    def sendable(self) -> set[str]:
        """Return the names of the tools to which commands may be sent."""
        return {info.name for info in self._tools if not info.streams}

    def asked(self, subject: str) -> Any:
        """Return the type of what is sent to a tool, or published as an event; None where nobody declares it."""
        return self._asked.get(subject)

    def shown(self, mad: str) -> Shown:
        """Return who `mad` is; raise `InvalidMessage` where there is none."""
        read = self.declared.get(mad)
        if read is None:
            raise InvalidMessage(f"there is no MAD {mad!r}; there is {', '.join(self.declared)}")
        config = self._config.mads[mad]
        return Shown(
            mad=mad,
            use=config.use,
            role=read.role,
            run=config.run,
            needs={filling.field: filling.how for filling in self.fillings[mad]},
            hears=tuple(dict.fromkeys(wire_name(listener.event) for listener in read.listeners)),
            offers=tuple(read.tools),
        )

    def _declares(self, mad: str) -> tuple[str, ...]:
        sources = list(_sources(self.fillings[mad]))
        says = (SAY,) if Need(Talk) in sources else ()
        if (thinker := thinker_of(self.declared)) and _thinks(sources, self.declared[mad]):
            says = (*says, f"mads.{thinker}.{COMPLETE}")
        if mad == STEWARD:
            says = (f"mads.*.{CHAT}",)
        named = tuple(f"mads.{source.name}.*" for source in sources if isinstance(source, Mad))
        chosen = self._config.mads[mad].calls
        first = firsts(self._config.canaries).get(mad)
        own = (f"mads.{first}.*",) if first else ()  # by the first one's name it is decided who may call its tools
        return (*says, *own, *(named if chosen is None else chosen), *calls(self._config.fallbacks, mad))

    def _listed(self) -> None:
        self._tools = tuple(info for mad in self.declared for info in self._offered[mad])
        second = firsts(self._config.canaries)
        self._shown = tuple(info for info in self._tools if info.mad not in second)
        self._asked: dict[str, Any] = {subject(event): event for event in events_of(self.declared)}
        for mad, read in self.declared.items():
            self._asked |= {f"mads.{mad}.{tool.name}": tool.params for tool in read.tools.values()}


def _thinks(sources: Sequence[Any], declared: Declaration) -> bool:
    chat = declared.tools.get(CHAT)
    return Need(Think) in sources or (chat is not None and chat.method == TALKS)


def _sources(fillings: Iterable[Filling]) -> Iterator[Any]:
    """Iterate over all that is needed for `fillings`, what their factories need included."""
    for filling in fillings:
        yield filling.source
        if isinstance(filling.source, Made):
            yield from _sources(filling.source.parts)
