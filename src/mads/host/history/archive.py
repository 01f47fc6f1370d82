"""All that is asked of the record: conversations, the capture as a whole, and what goes from it with time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from mads.bus.port import Bus
from mads.guard.labels import Labels
from mads.host.config import STEWARD, MadConfig
from mads.host.history.capture import HostCapture
from mads.host.history.conversations import HostConversations
from mads.host.history.erasure import Eraser
from mads.host.history.retention import Cut, Sweeper
from mads.host.history.transcript import SAY
from mads.host.talk.exchange import Exchanges
from mads.host.writing import Retention
from mads.observe.recorder import Recorder
from mads.store.commands.port import Commands
from mads.store.database import Database
from mads.store.record.capture import SqliteCapture
from mads.store.record.conversations import SqliteConversations
from mads.store.record.upkeep import SqliteUpkeep
from mads.wire.tools import ToolInfo


class Archive:
    """The record in `database`, which `recorder` writes, of a system of `mads`; `tools` says what they offer now.

    `beyond` says where else goes what happens here.
    """

    def __init__(
        self,
        *,
        bus: Bus,
        database: Database,
        recorder: Recorder,
        commands: Commands,
        retention: Retention,
        cut: Cut,
        mads: Mapping[str, MadConfig],
        tools: Callable[[], Iterable[ToolInfo]],
        labels: Labels,
        beyond: Sequence[str] = (),
    ) -> None:
        store, upkeep = SqliteConversations(database, SAY), SqliteUpkeep(database, SAY)
        self.sweeper = Sweeper(retention, upkeep, cut)
        self.eraser = Eraser(database, upkeep, commands, beyond)
        self.conversations = HostConversations(
            bus=bus,
            store=store,
            exchanges=Exchanges(bus, mads, tools, labels),
            labels=labels,
            at_once=mads[STEWARD].places,
            eraser=self.eraser,
            sweeper=self.sweeper,
            flush=recorder.flush,
        )
        self.capture = HostCapture(
            SqliteCapture(database), store, self.sweeper, recorder.flush, lambda: recorder.waiting
        )
