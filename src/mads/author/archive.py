"""What may be asked of what is on record: conversations, and the whole of it."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from mads.wire.conversation import Certificate, Conversation, Exchange, Label, Said, Stats, Taken


class Conversations(Protocol):
    """The conversations of the tenant for whom the call being handled is made, or for the operator of any `tenant`.

    A MAD through which that call went must have taken part in the one that is named, else a method raises `Denied`;
    `InvalidMessage` where there is none of that id.
    """

    async def listed(self, *, mad: str, since: str, tenant: str) -> Sequence[Conversation]:
        """Return those in which `mad` took part ("": anybody) and that went on after `since`, the last one last."""
        ...

    async def history(self, conversation: str, *, thread: str, limit: int, tenant: str = "") -> Sequence[Said]:
        """Return the last `limit` turns of one, or of one thread in it, oldest first; "" is that of the call."""
        ...

    async def say(self, text: str, *, conversation: str, thread: str) -> Exchange:
        """Say something in one to those whom it mentions; "" is that of the call, or else a new one."""
        ...

    async def hold(self, conversation: str, *, why: str, tenant: str) -> None:
        """Keep one from being erased, by hand or by age, for as long as it is held; "" lets it go."""

    async def label(self, conversation: str, label: Label, *, turn: int | str, by: str, tenant: str) -> None:
        """Say how a turn came out, by its number or id, or all of those of which nothing else is said: 0."""

    async def erase(self, conversation: str, *, tenant: str) -> Certificate:
        """Erase one, and see that nothing of it is left; raise `Reject` where it is held."""
        ...

    async def certificates(self) -> Sequence[Certificate]:
        """Return what was erased, and when, and by whom."""
        ...


class Capture(Protocol):
    """The record as a whole."""

    async def stats(self) -> Stats:
        """Return how much is on record."""
        ...

    def export(self, conversation: str, *, tenant: str, to: str) -> AsyncIterator[str]:
        """Iterate over the lines of an export of one conversation, or of the whole record (""), to be kept at `to`."""
        ...

    async def take(self, path: str) -> Taken:
        """Take the export in a file on this machine into the record; where a line is wrong raise `InvalidMessage`."""
        ...

    def dataset(self, *, since: str, to: str) -> AsyncIterator[str]:
        """Iterate over the lines of a dataset for learning: the same for the same record, wherever it was written."""
        ...
