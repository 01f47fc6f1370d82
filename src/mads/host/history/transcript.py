"""Rows of the record as the turns of a conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec

from mads.host.config import STEWARD
from mads.wire import codec
from mads.wire.conversation import Label, Said
from mads.wire.errors import InvalidMessage
from mads.wire.record import Entry

SAY = f"mads.{STEWARD}.say"

EXPIRED = "[expired]"
"""What stands for a body that was kept for as long as it was to be."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Bodies = Mapping[bytes, bytes]
"""Bodies by their addresses."""

Key = tuple[str, str, int]
"""What tells one row from another: the call's id, the MAD that handled it, the attempt."""


def key_of(entry: Entry) -> Key:
    """Return what tells `entry` from every other."""
    return (entry.id, entry.mad, entry.attempt)


def order_of(entry: Entry) -> tuple[int, int, str, str, int]:
    """Return what puts entries into the order in which their turns began: a caller before what it calls."""
    return (entry.began_us, -entry.took_us, *key_of(entry))


def time_of(at_us: int) -> datetime:
    """Return the time that is so many microseconds after 1970 began."""
    return EPOCH + timedelta(microseconds=at_us)


def microseconds(at: datetime) -> int:
    """Return how many microseconds after 1970 began a time is."""
    return (at - EPOCH) // timedelta(microseconds=1)


def value_of(address: bytes, bodies: Bodies) -> Any:
    """Return the body at `address` in the types of JSON: None where there is none, `EXPIRED` where it is gone."""
    if not address:
        return None
    body = bodies.get(address)
    try:
        return EXPIRED if body is None else codec.plain(codec.decode(body, Any))
    except InvalidMessage:  # an import may hold anything
        return body.hex() if body else None


def words(answer: Any) -> str:
    """Return what a MAD answered to prose as prose: a text, or the field `text` of what is more than that."""
    if isinstance(answer, dict) and isinstance(text := cast("dict[str, Any]", answer).get("text"), str):
        return text
    return answer if isinstance(answer, str) else msgspec.json.encode(answer).decode()


def speaker(chain: Sequence[str], principal: str) -> str:
    """Return who speaks in a call that went through the MADs of `chain`: the last but for the steward, or a person."""
    return next((mad for mad in reversed(chain) if mad != STEWARD), principal)


class Transcript:
    """The turns of one conversation: its `entries` in order, the first of them the turn number `first`."""

    def __init__(
        self, entries: Sequence[Entry], bodies: Bodies, label: Callable[[Entry], Label], *, first: int = 1
    ) -> None:
        self._bodies, self._label = bodies, label
        self._numbers = {entry.id: first + at for at, entry in reversed([*enumerate(entries)])}
        self._ids = {str(number): id_ for id_, number in self._numbers.items()}
        self._threads: dict[str, str] = {}
        self._answers: dict[tuple[str, str], int] = {}
        self._said = {entry.id: entry for entry in entries if self._is_said(entry)}
        self.turns = [self._turn(entry, first + at) for at, entry in enumerate(entries)]

    def thread(self, name: str) -> list[Said]:
        """Return the turns of the thread that begins with, or holds, the turn whose id or number is `name`."""
        first = self._first_of(name)
        if not first:
            raise InvalidMessage(f"no turn here has the number or id {name!r}; mads conversations show lists them")
        return [said for said in self.turns if first in (said.thread, said.id)]

    def _first_of(self, name: str) -> str:
        """Return the id of the first turn of the thread that the turn `name` is in, or begins; "" for no turn."""
        id_ = name if name in self._numbers else self._ids.get(name, "")
        return self._threads.get(id_) or id_

    def _is_said(self, entry: Entry) -> bool:
        """Return whether `entry` is something said here, and not told from here to another conversation."""
        if entry.subject != SAY:
            return False
        return _field(value_of(entry.asked, self._bodies), "conversation") in ("", entry.conversation)

    def _turn(self, entry: Entry, number: int) -> Said:
        asked, answered = value_of(entry.asked, self._bodies), value_of(entry.answered, self._bodies)
        said = Said(
            turn=number,
            id=entry.id,
            at=time_of(entry.at_us),
            by=speaker(entry.chain, entry.principal),
            to=entry.mad,
            outcome=entry.outcome,
            why=entry.why,
            label=self._label(entry),
            cost=entry.cost,
            taint=entry.taint,
            thread=self._thread_of(entry, asked),
        )
        prose = words(asked)
        if entry.id in self._said:
            return msgspec.structs.replace(said, to="", text=prose)
        if entry.kind == "prose" and entry.cause in self._said:
            to, number = self._answered(entry)
            text = "" if answered is None else words(answered)
            return msgspec.structs.replace(said, by=entry.mad or said.to, to=to, text=text, replies_to=number)
        if entry.kind == "prose":
            return msgspec.structs.replace(said, text=prose, answer="" if answered is None else words(answered))
        tool = entry.subject.removeprefix("mads.").removeprefix("event.")
        return msgspec.structs.replace(said, tool=tool, asked=asked, answered=answered)

    def _answered(self, entry: Entry) -> tuple[str, int]:
        """Return whom a MAD that was mentioned answers, and in which turn that was said."""
        assert entry.cause is not None
        said = self._said[entry.cause]
        number = self._numbers[said.id]
        self._answers[said.id, entry.mad] = self._numbers[entry.id]
        mad = entry.chain[-1] if entry.chain else STEWARD
        if mad == STEWARD:
            return speaker(said.chain, said.principal), number
        return mad, self._answers.get((said.id, mad), number)

    def _thread_of(self, entry: Entry, asked: Any) -> str:
        said = entry.id in self._said
        thread = self._first_of(_field(asked, "thread")) if said else self._threads.get(entry.cause or "", "")
        self._threads[entry.id] = thread
        return thread


def _field(value: Any, name: str) -> str:
    """Return the text in a field of an object; "" where there is none."""
    return str(cast("dict[str, Any]", value).get(name, "")) if isinstance(value, dict) else ""
