"""What is said is brought to those whom it mentions, and what they answer to those whom that mentions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from mads.author.declaration import CHAT
from mads.bus.port import Bus
from mads.guard.labels import Labels
from mads.host.caller import Caller
from mads.host.config import STEWARD
from mads.host.history.transcript import speaker, words
from mads.host.talk.mentions import mentioned, unknown
from mads.wire import codec
from mads.wire.call import Identity, current
from mads.wire.conversation import Exchange, Said
from mads.wire.errors import MadsError
from mads.wire.tools import ToolInfo

HOPS = 8
"""How many MADs an exchange may pass through in a row: then a mention is told of and leads nowhere."""

ASKED = 32
"""How many times MADs are asked because of one thing that was said."""

PATIENCE = 600.0
"""Seconds that a MAD has to answer, where whoever said it waits for as long."""


class Utterance(Struct, frozen=True):
    """Something said `by` somebody, through the MADs of `chain`, the speaker last where it is one."""

    text: str
    by: str
    chain: tuple[str, ...] = ()


class Exchanges:
    """Mentions among `mads`, of whom those hear prose that have a tool for it, among the `tools` that there are now."""

    def __init__(self, bus: Bus, mads: Iterable[str], tools: Callable[[], Iterable[ToolInfo]], labels: Labels) -> None:
        self._bus, self._mads, self._tools, self._labels = bus, frozenset(mads), tools, labels

    async def say(self, text: str, *, thread: str) -> Exchange:
        """Bring `text` to whom it mentions; return once everybody has answered, or failed to."""
        call = current.get()
        if call is None or call.conversation is None:
            raise MadsError("nothing can be said outside of a conversation")
        answers: list[Said] = []
        notes: list[str] = []
        said = [Utterance(text, speaker(call.identity.chain, call.identity.principal))]
        while said:
            errands = [(name, one) for one in said for name in self._reached(one, notes)]
            if len(answers) + len(errands) > ASKED:
                notes.append(f"one turn leads to {ASKED} answers at most; who else is mentioned is not asked")
                errands = errands[: ASKED - len(answers)]
            told = await asyncio.gather(*(self._ask(name, one) for name, one in errands))
            answers += told
            said = [
                Utterance(answer.text, name, (*one.chain, name))
                for answer, (name, one) in zip(told, errands, strict=True)
            ]
        return Exchange(
            conversation=call.conversation,
            turn=call.id,
            thread=thread,
            answers=tuple(answers),
            notes=tuple(dict.fromkeys(notes)),
        )

    def _reached(self, said: Utterance, notes: list[str]) -> Iterator[str]:
        """Iterate over the MADs that are to hear what was said; note why another who is mentioned is not."""
        call = current.get()
        assert call is not None
        through = len(call.identity.chain) + len(said.chain)
        hearing = [tool.mad for tool in self._tools() if tool.tool == CHAT]
        for name in mentioned(said.text):
            if name in (said.by, call.identity.principal):
                continue
            if name not in self._mads:
                notes.append(unknown(name, hearing))
            elif name not in hearing:
                notes.append(f"@{name} hears no prose: it has no @prose handler; call its tools (mads show {name})")
            elif through >= HOPS:
                notes.append(f"@{name} is not asked: the exchange has passed through {through} MADs already")
            else:
                yield name

    async def _ask(self, name: str, said: Utterance) -> Said:
        caller = Caller(Identity(STEWARD, chain=(STEWARD, *said.chain)), self._labels)
        call = caller.call(f"mads.{name}.{CHAT}", codec.raw({"text": said.text}), timeout=PATIENCE)
        began = datetime.now(UTC)
        reply = await self._bus.request(call)
        if reply.failure is not None:
            return Said(
                id=call.id, at=began, by=name, to=said.by, outcome=reply.failure.code, why=reply.failure.message
            )
        text = words(codec.plain(codec.decode(codec.raw(reply.body), Any)))
        return Said(id=call.id, at=began, by=name, to=said.by, text=text)
