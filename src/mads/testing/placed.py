"""A real system for a test: written to a folder, started there, its MADs where the test wants them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast

import msgspec

from mads.author.declaration import declaration
from mads.bus.memory import MemoryBus
from mads.guard.principals import ADMIN, ANONYMOUS, NOBODY
from mads.host.breakers import BreakerConfig
from mads.host.budgets import BudgetConfig
from mads.host.caller import Caller
from mads.host.canaries import CanaryConfig
from mads.host.config import CONTROL, Config, MadConfig
from mads.host.door import PATIENCE, BusDoor
from mads.host.fallbacks import FallbackConfig
from mads.host.layers import LAYERS
from mads.host.lifecycle import Supervision
from mads.host.limits import LimitConfig
from mads.host.paths import data_folder
from mads.host.proxy import Proxy
from mads.host.running import RunningSystem, running
from mads.host.secrets.config import SecretsConfig
from mads.host.writing import Traces
from mads.observe.logs import configure
from mads.wire.asking import Answer, LogLine, Question
from mads.wire.call import Identity, Progress
from mads.wire.context import Origin
from mads.wire.errors import CannotAsk

M = TypeVar("M")


class Heard:
    """A sink that keeps what it is told, and gives `answers` by the names of the questions."""

    def __init__(self, **answers: Answer) -> None:
        self.answers, self.asked = answers, list[Question]()
        self.lines: list[LogLine] = []
        self.items: list[Any] = []
        self.told: list[Progress] = []

    async def item(self, body: Any) -> None:
        """Keep one item of a stream."""
        self.items.append(body)

    def progress(self, progress: Progress) -> None:
        """Keep one report of progress."""
        self.told.append(progress)

    def log(self, line: LogLine) -> None:
        """Keep one line of a log."""
        self.lines.append(line)

    async def ask(self, question: Question) -> Answer:
        """Keep a question and give its answer; refuse one that has none."""
        self.asked.append(question)
        if question.name not in self.answers:
            raise CannotAsk(f"{question.name!r} has no answer")
        return self.answers[question.name]


class Placed:
    """A running system, called as its neighbours would call it."""

    def __init__(self, system: RunningSystem, *, strict: bool) -> None:
        self.system = system
        self._strict = strict
        self._door = BusDoor(system.bus, self._tools)
        self._count = 0

    @property
    def bus(self) -> MemoryBus:
        """The core's bus."""
        return self.system.bus

    def mad(self, cls: type[M], name: str = "", *, principal: str = "tester") -> M:
        """Return the MAD of `cls` as another MAD would hold it: a typed proxy."""
        name = name or cls.__name__.lower()
        caller = Caller(known_as(principal))
        return cast("M", Proxy(name, declaration(cls), self.bus, caller, strict=self._strict))

    async def call(
        self,
        tool: str,
        *,
        principal: str | Identity = "tester",
        heard: Heard | None = None,
        within: float = PATIENCE,
        conversation: str | None = None,
        origin: Origin | None = None,
        notes: str | None = None,
        worth: float | None = None,
        **arguments: Any,
    ) -> Any:
        """Call `tool` (`mad.tool`) with JSON arguments, as the gateway does; return the JSON result."""
        self._count += 1
        return await self._door.call(
            f"mads.{tool}",
            arguments,
            request=f"test-{self._count}",
            identity=known_as(principal) if isinstance(principal, str) else principal,
            sink=heard or Heard(),
            patience=within,
            conversation=conversation,
            origin=origin,
            notes=notes,
            worth=worth,
        )

    async def running(self, mad: str) -> dict[str, int]:
        """Return how many calls of each tool of `mad` are being handled."""
        status = next(status for status in await self.system.status() if status.mad == mad)
        return {tool.name: tool.running for tool in status.tools}

    async def _tools(self) -> Sequence[Any]:
        return self.system.tools()


def known_as(principal: str) -> Identity:
    """Return `principal` as somebody who may all; the anonymous developer as what that is."""
    return NOBODY if principal == ANONYMOUS else Identity(principal, roles=(ADMIN,))


@contextlib.asynccontextmanager
async def placed(
    root: Path,
    run: str = "here",
    *,
    path: Sequence[str] = (".",),
    layers: Sequence[str] = LAYERS,
    strict: bool = True,
    supervision: Supervision | None = None,
    traces: Traces | None = None,
    limits: Sequence[LimitConfig] = (),
    breakers: Sequence[BreakerConfig] = (),
    fallbacks: Sequence[FallbackConfig] = (),
    canaries: Sequence[CanaryConfig] = (),
    core: Mapping[str, str] = MappingProxyType({}),
    secrets: SecretsConfig | None = None,
    budget: BudgetConfig | None = None,
    flags: str = "",
    **mads: str | MadConfig,
) -> AsyncGenerator[Placed]:
    """Run the system of `mads` (name = "module:Class", or a `MadConfig`) in the folder `root`, each with that `run`.

    What is in `core` is in the core, wherever the others are.
    """
    configs = {
        name: msgspec.structs.replace(MadConfig(mad) if isinstance(mad, str) else mad, run=run)
        for name, mad in mads.items()
    }
    configs |= {name: MadConfig(use) for name, use in core.items()} | {"steward": CONTROL}
    configure(data_folder(root))
    settled: dict[str, Any] = {"supervision": supervision or Supervision(), "traces": traces, "limits": tuple(limits)}
    settled |= {"breakers": tuple(breakers), "fallbacks": tuple(fallbacks), "canaries": tuple(canaries)}
    settled |= {"secrets": secrets or SecretsConfig(), "budget": budget or BudgetConfig(), "flags": flags}
    config = Config(mads=configs, path=tuple(path), root=str(root), **settled)
    async with running(config, layers=layers, strict=strict) as system:
        yield Placed(system, strict=strict)
