"""What crosses a socket: frames, each a tagged array of MessagePack behind its length in four bytes.

An *opening* frame carries a number that its sender counts up, and is ended from the other side by an `Answer` or a
`Refusal` of that number. In between, `Item`, `Told`, `Logged` and `Asked` come from the other side; `Cancel`, `Credit`
and `Replied`, to what was asked, go there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Raw, Struct

from mads.wire import codec
from mads.wire.call import Progress
from mads.wire.codec import WireCall
from mads.wire.errors import InvalidMessage
from mads.wire.failure import Failure
from mads.wire.record import Decision

MAX_FRAME = codec.MAX_BYTES + 64 * 1024
"""The largest frame, in bytes: a message of the largest size, and what is written on its envelope."""

Count = Annotated[int, Meta(ge=0)]
Cost = Annotated[int, Meta(ge=0, le=2**53)]
"""In millionths of a unit of money: what a thousand calls cost can still be added up in 64 bits."""

_PREFIX = 4


class Frame(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One frame; `no` is the number of the opening that it is, or belongs to."""

    no: Count


class Request(Frame, frozen=True, tag=1):
    """Opening: have `call` answered. `credit` items may be unread; None: nobody wants any."""

    credit: Count | None
    call: WireCall


class Publish(Frame, frozen=True, tag=2):
    """Opening: tell `call` to all who listen."""

    call: WireCall


class Subscribe(Frame, frozen=True, tag=3):
    """Opening: from now on deliver what matches `patterns`; `no` becomes the subscription's number."""

    patterns: tuple[str, ...]
    group: str | None
    owner: str | None
    at_once: int
    capacity: int

    @property
    def name(self) -> str:
        """What a failure names as the place where it happened."""
        return self.owner or self.group or self.patterns[0]


class Unsubscribe(Frame, frozen=True, tag=4):
    """Opening: deliver nothing more, and cancel what runs."""

    subscription: Count


class Seal(Frame, frozen=True, tag=5):
    """Opening: take no new call for that subscription."""

    subscription: Count


class Drain(Frame, frozen=True, tag=6):
    """Opening: take no new call for any subscription; the answer comes when what was taken has ended."""


class Deliver(Frame, frozen=True, tag=7):
    """Opening: handle `call`, which came for that subscription. `credit` as in `Request`."""

    subscription: Count
    credit: Count | None
    call: WireCall


class Load(Frame, frozen=True, tag=8):
    """Of the subscription of that number: how many calls wait, and how many events were dropped."""

    waiting: Count
    dropped: Count


class Item(Frame, frozen=True, tag=9):
    """The next item of a stream."""

    body: Raw


class Told(Frame, frozen=True, tag=10):
    """How far the handler has come."""

    progress: Progress


class Credit(Frame, frozen=True, tag=11):
    """One more item has been read."""


class Cancel(Frame, frozen=True, tag=12):
    """The answer is not wanted any more; one still comes, once the handler has ended."""


class Answer(Frame, frozen=True, tag=13):
    """The end of an opening: its result, what that cost, and what the guards decided."""

    body: Raw
    cost: Cost = 0
    decisions: tuple[Decision, ...] = ()


class Refusal(Frame, frozen=True, tag=14):
    """The end of an opening: why there is no result, and what it cost all the same."""

    failure: Failure
    cost: Cost = 0
    decisions: tuple[Decision, ...] = ()


class Logged(Frame, frozen=True, tag=15):
    """A line of a log for the caller: a `LogLine`."""

    line: Raw


class Asked(Frame, frozen=True, tag=16):
    """A `Question` to the caller, which the handler counts with `ask`."""

    ask: Count
    question: Raw


class Replied(Frame, frozen=True, tag=17):
    """What the caller answers to a question, or why it does not."""

    ask: Count
    answer: Raw
    failure: Failure | None = None


Opening = Request | Publish | Subscribe | Unsubscribe | Seal | Drain | Deliver
Ending = Answer | Refusal
AnyFrame = Opening | Load | Item | Told | Logged | Asked | Replied | Credit | Cancel | Ending


def call_id(opening: Opening) -> str:
    """Return the id of the call that `opening` carries; empty where it carries none."""
    return opening.call.id if isinstance(opening, (Request, Publish, Deliver)) else ""


def credit_of(opening: Opening) -> int | None:
    """Return how many items may be unread in answer to `opening`; None where none may come."""
    return opening.credit if isinstance(opening, (Request, Deliver)) else None


def pack(frame: AnyFrame) -> bytes:
    """Return `frame` behind its length; raise `InvalidMessage` where it is too large."""
    data = codec.encode(frame, limit=MAX_FRAME)
    return len(data).to_bytes(_PREFIX, "big") + data


class Unpacker:
    """Takes bytes as they arrive, gives frames as they become whole."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[AnyFrame]:
        """Yield the frames that `data` makes whole; raise `InvalidMessage` at the first that is none."""
        rest = self._rest
        rest += data
        start = 0
        while len(rest) >= start + _PREFIX:
            body = start + _PREFIX
            size = int.from_bytes(rest[start:body], "big")
            if size > MAX_FRAME:
                raise InvalidMessage(f"a frame of {size} bytes is larger than the {MAX_FRAME} that may travel")
            if len(rest) < body + size:
                break
            start = body + size
            with memoryview(rest) as view:
                whole = bytes(view[body:start])
            yield codec.decode(whole, AnyFrame, limit=MAX_FRAME)
        del rest[:start]
