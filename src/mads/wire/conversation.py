"""What a conversation is made of, as those who took part and their operator read it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from mads.wire.errors import InvalidMessage

LONGEST = 32_768
"""How many characters one turn of prose may have."""

LABELS = ("ok", "failed", "corrected", "approved")
"""What may be said of how a turn came out; the first two are said of every turn by its outcome."""

Label = Literal["ok", "failed", "corrected", "approved"]

_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)


class Said(Struct, frozen=True, kw_only=True):
    """One turn of a conversation.

    Prose is `text`, said `by` somebody `to` a MAD or to everybody (""), and its `answer`. What a MAD answered because
    it was mentioned is a turn of its own, said by that MAD; `replies_to` is the number of the turn it answers. A typed
    call or an event is a turn too: `by` called the `tool` of `to` with `asked` and got `answered`, in types of JSON.

    `turn` counts from 1, in the order in which turns began; 0 where it is not yet counted. `id` is the call's id, and
    `thread` that of the first turn of its thread, "" outside of threads. `outcome` is "ok" or a failure's code, and
    `why` its words. `label` is what is said of how it came out. `cost` is in micro-units of money. `taint` are the
    labels of what the turn was made of, as "untrusted:marco".
    """

    turn: int = 0
    id: str
    at: datetime
    by: str
    to: str = ""
    tool: str = ""
    text: str = ""
    answer: str = ""
    asked: Any = None
    answered: Any = None
    thread: str = ""
    replies_to: int = 0
    outcome: str = "ok"
    why: str = ""
    label: Label = "ok"
    cost: int = 0
    taint: tuple[str, ...] = ()


class Exchange(Struct, frozen=True, kw_only=True):
    """What came of something that was said: the answers of those who were mentioned, in the order in which they came.

    `turn` is the id of what was said, by which a thread may be begun. `notes` say who was not reached, and why.
    """

    conversation: str
    turn: str
    thread: str = ""
    answers: tuple[Said, ...] = ()
    notes: tuple[str, ...] = ()


class Conversation(Struct, frozen=True, kw_only=True):
    """A conversation at a glance: who took part, how many turns it has, when its first and its last began.

    `labels` counts the turns by what is said of how they came out; `held` says why it may not be erased, if it may not.
    """

    id: str
    tenant: str
    participants: tuple[str, ...]
    turns: int
    first: datetime
    last: datetime
    labels: dict[str, int]
    held: str = ""


class Certificate(Struct, frozen=True, kw_only=True):
    """What was erased of a conversation, when and by whom; kept for as long as the store.

    `commands` are dead letters, `lines` those of the log. `ids` is the SHA-256 of the ids of the erased calls, and
    `content` that of their bodies, in the order of the record, a line feed after each. `searched` pieces of texts that
    were erased were looked for in every file of the system's folder of data: `found` are left over, in `places`;
    `elsewhere` stand in what others keep or said, `within` which tables. `copies` says what may be left where this
    system cannot reach: exports and datasets that were made, files that were imported, collectors, its own output.
    Where the database was `rewritten` it holds nothing but its rows; after a crash that is all there is to be done, for
    nobody knows any more what to look for: then `searched` is 0.
    """

    id: int
    conversation: str
    tenant: str
    at: datetime
    by: str
    rows: int
    bodies: int
    labels: int
    commands: int
    lines: int
    ids: str
    content: str
    searched: int
    found: int
    elsewhere: int
    places: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    rewritten: bool = False


class Stats(Struct, frozen=True, kw_only=True):
    """How much is on record of what whoever asks may see; sizes in bytes.

    To whoever is no operator a body counts for each row that has it, for it may be others' too; and the size of the
    file and the rows that wait, which are everybody's, are 0.
    `labelled` is the share of turns of which it is known how they came out, `by_hand` how many of them a person
    labelled. In `redacted` rows something sensitive was left out; `waiting` rows were not yet written.
    """

    rows: int
    conversations: int
    bodies: int
    body_bytes: int
    file_bytes: int
    labelled: float
    by_hand: int
    labels: dict[str, int]
    kinds: dict[str, int]
    redacted: int
    held: int
    erased: int
    oldest: datetime | None
    newest: datetime | None
    waiting: int


class Taken(Struct, frozen=True):
    """What came of an import: so many rows were new, so many were here already."""

    added: int
    known: int


def conversation_id(said: str) -> str:
    """Return the id of a conversation as a person may write it, "#42" or "42"; raise `InvalidMessage` if it is none."""
    name = said.removeprefix("#")
    if not _ID.fullmatch(name):
        raise InvalidMessage(
            f"{said[:160]!r} is no conversation; an id has 1 to 128 letters, digits and _ . : -, such as 42"
        )
    return name
