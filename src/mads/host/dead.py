"""Commands that were given up, for the operator: to look at, to try again, to forget."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from mads.host.commands import Dispatcher
from mads.host.envelope import now_ms, opened
from mads.store.commands.port import Commands, Entry, Steps
from mads.wire import codec
from mads.wire.errors import InvalidMessage
from mads.wire.status import DeadLetter

LISTED = 1_000
"""How many are listed at a time: more would not fit one reply."""


class Dead:
    """The dead letters in `store`; what is tried again goes to `dispatcher`."""

    def __init__(self, store: Commands, steps: Steps, dispatcher: Dispatcher) -> None:
        self._store, self._steps, self._dispatcher = store, steps, dispatcher

    async def oldest(self) -> Sequence[DeadLetter]:
        """Return the `LISTED` oldest, in order, without their bodies."""
        return [_letter(entry) for entry in (await self._store.entries("dead"))[:LISTED]]

    async def count(self) -> int:
        """Return how many there are."""
        return len(await self._store.entries("dead"))

    async def one(self, letter: int) -> DeadLetter:
        """Return one with its body."""
        entry, kept = await self._found(letter)
        envelope = opened(kept)
        body: Any = codec.plain(codec.decode(envelope.body, Any))
        return msgspec.structs.replace(
            _letter(entry),
            principal=envelope.identity.principal,
            conversation=envelope.conversation,
            trace=envelope.trace,
            steps=tuple(step.name for step in await self._steps.finished(letter)),
            body=body,
        )

    async def retry(self, letter: int) -> None:
        """Deliver it again, from now on as if it had just been sent."""
        await self._found(letter)
        entry = await self._store.reopen(letter, now=now_ms(), attempts=self._dispatcher.retries.attempts)
        if entry is not None:
            self._dispatcher.put(entry)

    async def drop(self, letter: int) -> None:
        """Forget it."""
        await self._found(letter)
        await self._store.finish([letter], now=now_ms())

    async def _found(self, seq: int) -> tuple[Entry, bytes]:
        found = await self._store.read(seq, "dead")
        if found is None:
            raise InvalidMessage(f"there is no dead letter {seq}; mads dead list shows those that there are")
        return found


def _letter(entry: Entry) -> DeadLetter:
    return DeadLetter(
        id=entry.seq,
        tool=entry.subject.removeprefix("mads."),
        sender=entry.sender,
        tenant=entry.tenant,
        key=entry.key,
        sent=_written(entry.sent),
        died=_written(entry.since),
        attempts=entry.attempt,
        why=entry.why,
    )


def _written(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
