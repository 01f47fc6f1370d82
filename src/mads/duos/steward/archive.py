"""What the steward knows of conversations and of the whole record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from msgspec import Meta

from mads import Sensitive, tool
from mads.author.archive import Capture, Conversations
from mads.author.system import System
from mads.duos.steward.expect import expect
from mads.wire.conversation import Certificate, Conversation, Exchange, Label, Said, Stats, Taken
from mads.wire.errors import InvalidMessage


class Archive:
    """Conversations, and what is on record of all of them."""

    system: System
    conversations: Conversations
    capture: Capture

    @tool
    async def say(self, text: str, conversation: str = "", thread: str = "") -> Sensitive[Exchange]:
        """Say something in a conversation: each MAD that it mentions as @name hears it; return what they answer.

        Without `conversation` it is said in the one that the call belongs to, or in a new one. `thread` is the id, or
        the number, of a turn in whose thread this is a reply.
        """
        return await self.conversations.say(text, conversation=conversation, thread=thread)

    @tool(read_only=True)
    async def conversations_list(self, mad: str = "", since: str = "", tenant: str = "") -> list[Conversation]:
        """Return the conversations on record: who took part, how many turns, when; the last one last.

        `since` is a date, a time or a span such as "7d".
        """
        listed = list(await self.conversations.listed(mad=mad, since=since, tenant=tenant))
        expect(self.system, listed, mad)
        return listed

    @tool(read_only=True)
    async def conversations_show(
        self,
        conversation: str,
        thread: str = "",
        limit: Annotated[int, Meta(ge=1, le=20_000)] = 1_000,
        tenant: str = "",
    ) -> Sensitive[list[Said]]:
        """Return the last `limit` turns of a conversation, or of one thread in it, oldest first."""
        return list(await self.conversations.history(conversation, thread=thread, limit=limit, tenant=tenant))

    @tool
    async def conversations_hold(self, conversation: str, why: str, tenant: str = "") -> None:
        """Keep a conversation from being erased, by hand or by age, until it is released; say why."""
        if not why.strip():
            raise InvalidMessage("say why it is held: whoever wants to erase it will be told")
        await self.conversations.hold(conversation, why=why, tenant=tenant)

    @tool(destructive=True)
    async def conversations_release(self, conversation: str, tenant: str = "") -> None:
        """Let a conversation be erased again."""
        await self.conversations.hold(conversation, why="", tenant=tenant)

    @tool
    async def conversations_label(
        self, conversation: str, label: Label, turn: int | str = 0, by: str = "", tenant: str = ""
    ) -> None:
        """Say how a turn came out, by its number or id; or all turns of which nobody says otherwise (0)."""
        await self.conversations.label(conversation, label, turn=turn, by=by, tenant=tenant)

    @tool(destructive=True)
    async def conversations_erase(self, conversation: str, tenant: str = "") -> Certificate:
        """Erase a conversation and see that nothing of it is left; return the certificate, which is kept."""
        return await self.conversations.erase(conversation, tenant=tenant)

    @tool(read_only=True)
    async def conversations_certificates(self) -> list[Certificate]:
        """Return the certificates of what was erased, oldest first."""
        return list(await self.conversations.certificates())

    @tool(read_only=True)
    async def conversations_export(
        self, conversation: str = "", tenant: str = "", to: str = ""
    ) -> AsyncIterator[Sensitive[str]]:
        """Stream an export, line by line: of one conversation, or of the whole record.

        `to` says where you put it; whoever erases the conversation later is told.
        """
        async for line in self.capture.export(conversation, tenant=tenant, to=to):
            yield line

    @tool(destructive=True)
    async def conversations_import(self, path: str) -> Taken:
        """Take an export in a file on this machine into the record, if no line is wrong; twice is as good as once."""
        return await self.capture.take(path)

    @tool(read_only=True)
    async def capture_stats(self) -> Stats:
        """Return how much is on record, of what, and for how much of it is known how it came out."""
        return await self.capture.stats()

    @tool(read_only=True)
    async def capture_dataset(self, since: str = "", to: str = "") -> AsyncIterator[Sensitive[str]]:
        """Stream a dataset for learning, line by line: the same for the same record. `to` says where you put it."""
        async for line in self.capture.dataset(since=since, to=to):
            yield line
