"""Commands that were given up and events that were refused, for whoever may see them: to look at, try again, forget.

The operator sees all of them, others those of their tenant.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Raw

from mads.author.sensitive import HIDDEN
from mads.guard.principals import theirs
from mads.host.commands.dispatcher import Dispatcher
from mads.host.commands.envelope import now_ms, opened
from mads.host.events.refused import Refused
from mads.observe.redact import redactor
from mads.store.commands.port import Commands, Entry, Steps
from mads.wire import codec
from mads.wire.call import EVENT
from mads.wire.errors import Denied, InvalidMessage
from mads.wire.status import DeadLetter, DeadLetters, Which

EVERY = Which()
LISTED = 1_000
"""How many are listed at a time: more would not fit one reply."""


class Dead:
    """The dead letters in `store`; a command that is tried again goes to `dispatcher`, an event to `refused`.

    `asked` returns the type of what is sent to a subject; None where nobody knows it.
    """

    def __init__(
        self, store: Commands, steps: Steps, dispatcher: Dispatcher, refused: Refused, asked: Callable[[str], Any]
    ) -> None:
        self._store, self._steps, self._dispatcher, self._refused = store, steps, dispatcher, refused
        self._asked = asked

    async def oldest(self, which: Which = EVERY) -> DeadLetters:
        """Return the `LISTED` oldest of `which`, in order, without their bodies."""
        found = await self._those(which)
        return DeadLetters(tuple(_letter(entry) for entry in found[:LISTED]), max(len(found) - LISTED, 0))

    async def one(self, letter: int) -> DeadLetter:
        """Return one with its body, without what is sensitive in it."""
        entry, kept = await self._found(letter)
        envelope = opened(kept)
        return msgspec.structs.replace(
            _letter(entry),
            principal=envelope.identity.principal,
            conversation=envelope.conversation,
            trace=envelope.trace,
            steps=tuple(step.name for step in await self._steps.finished(letter)),
            body=_shown(envelope.body, self._asked(entry.subject)),
        )

    async def retry(self, letter: int) -> None:
        """Deliver it again, from now on as if it had just been sent; an event only where it fits by now."""
        entry, _ = await self._found(letter)
        await self._retry(entry)

    async def drop(self, letter: int) -> None:
        """Forget it."""
        entry, _ = await self._found(letter)
        await self._drop([entry])

    async def retry_all(self, which: Which) -> int:
        """Deliver all of `which` again, in their order; return how many."""
        count = 0
        for part in _parts(await self._those(which)):
            count += sum(await asyncio.gather(*(self._retry_one(entry) for entry in part)))
        return count

    async def _retry_one(self, entry: Entry) -> bool:
        try:
            return await self._retry(entry)
        except (InvalidMessage, Denied):  # an event that is still not fit to be published stays
            return False

    async def drop_all(self, which: Which) -> int:
        """Forget all of `which`; return how many."""
        return sum([await self._drop(part) for part in _parts(await self._those(which))])

    async def _retry(self, it: Entry) -> bool:
        if it.subject.startswith(EVENT):
            _, kept = await self._found(it.seq)
            await self._refused.publish(opened(kept))
            return await self._drop([it]) > 0
        self._dispatcher.expect_room()
        entry = await self._store.reopen(it.seq, now=now_ms(), attempts=self._dispatcher.retries.attempts)
        if entry is not None:
            self._dispatcher.revive(entry)
        return entry is not None

    async def _drop(self, entries: Sequence[Entry]) -> int:
        events = [entry for entry in entries if entry.subject.startswith(EVENT)]
        self._refused.forget(len(events))
        self._dispatcher.forget(entry for entry in entries if not entry.subject.startswith(EVENT))
        return await self._store.finish([entry.seq for entry in entries], now=now_ms())

    async def _those(self, which: Which) -> list[Entry]:
        before, tenant = now_ms() - which.older_than * 1000, theirs()
        return [
            entry
            for entry in await self._store.entries("dead")
            if f"{entry.subject}.".startswith(f"mads.{which.tool.removeprefix('mads.')}." if which.tool else "")
            and tenant in (None, entry.tenant)
            and which.sender in ("", entry.sender)
            and which.why in entry.why
            and (not which.older_than or entry.since < before)
        ]

    async def _found(self, seq: int) -> tuple[Entry, bytes]:
        found = await self._store.read(seq, "dead")
        if found is None or theirs() not in (None, found[0].tenant):
            raise InvalidMessage(f"there is no dead letter {seq}; mads dead list shows those that there are")
        return found


def _parts(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    for start in range(0, len(entries), LISTED):
        yield entries[start : start + LISTED]


def _shown(body: Raw, type_: Any) -> Any:
    """Return a body in the types of JSON, without what is sensitive; one that nobody can read as it is, in hex digits.

    Of one whose type nobody knows, nothing is shown: it may hold anything.
    """
    if type_ is None:
        return HIDDEN
    hide = redactor(type_)
    try:
        return codec.plain(codec.decode(body if hide is None else hide.body(bytes(body))[0], Any))
    except InvalidMessage:
        return bytes(body).hex()


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
