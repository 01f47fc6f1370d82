"""The control plane is a MAD too: what runs and how it fares, what was given up, what is on record, who may come in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from typing import Annotated, Any

from msgspec import Meta

from mads import Reject, Sensitive, mad, tool
from mads.author.system import Capture, Conversations, NewKey, System
from mads.wire.conversation import Certificate, Conversation, Exchange, Label, Said, Stats, Taken
from mads.wire.errors import InvalidMessage, UsageError
from mads.wire.ledger import Amount, By, CapUse, Reservation, Sum
from mads.wire.status import (
    AuditQuery,
    AuditRow,
    Case,
    CaseResult,
    DeadLetter,
    DeadLetters,
    EventInfo,
    KeyInfo,
    LimitInfo,
    Reloaded,
    Rights,
    Shown,
    Status,
    Stop,
    Stoppable,
    Verified,
    Which,
)
from mads.wire.tools import ToolInfo, Withheld
from mads.wire.trace import TraceLine, Tree


@contextmanager
def _told() -> Generator[None]:
    """Say what is wrong with the code of another MAD: that is no failure of this one."""
    try:
        yield
    except UsageError as error:
        raise Reject(str(error)) from None


EVERY = Which()
ANY = AuditQuery()


@mad
class Steward:
    """You are the steward: you know what runs here, how it fares, and what each MAD offers."""

    system: System
    conversations: Conversations
    capture: Capture

    @tool(read_only=True)
    async def ps(self) -> list[Status]:
        """Return every MAD: where it runs, in which process, how it fares."""
        return list(await self.system.status())

    @tool(read_only=True)
    async def show(self, mad: str) -> Shown:
        """Return who a MAD is: its role, what fills its needs, what it hears and offers."""
        return self.system.shown(mad)

    @tool(read_only=True)
    async def tools(self) -> list[ToolInfo]:
        """Return every tool that its caller may call, with its JSON Schema."""
        return list(self.system.tools())

    @tool(read_only=True)
    async def events(self) -> list[EventInfo]:
        """Return every event with its versioned name, its JSON Schema and who hears it."""
        return list(self.system.events())

    @tool(read_only=True)
    async def layers(self) -> list[str]:
        """Return the layers that every call passes at its callee, outermost first."""
        return list(self.system.layers())

    @tool(read_only=True)
    async def limits(self) -> list[LimitInfo]:
        """Return every limit on what may be asked for, and what is used of it just now."""
        return list(await self.system.limits())

    @tool(read_only=True)
    async def budget(self) -> list[CapUse]:
        """Return every cap on what may be spent, and what is used of it just now."""
        return list(await self.system.spending.caps())

    @tool(read_only=True)
    async def cost(self, by: By = "model", since: float = 0.0) -> list[Sum]:
        """Return what was spent from `since` on, in seconds since 1970, by whom, for whom or on what."""
        return list(await self.system.spending.cost(by, since))

    @tool(read_only=True)
    async def reservations(self, after: int = 0) -> list[Reservation]:
        """Return what stands reserved, the oldest first, of those after an id."""
        return list(await self.system.spending.reservations(after))

    @tool(destructive=True)
    async def settle(self, reservation: int, spent: Amount | None = None) -> None:
        """Settle by hand what nobody settled: it came to so much, or to nothing."""
        await self.system.spending.settle(reservation, spent)

    @tool(read_only=True)
    async def stopped(self) -> list[Stop]:
        """Return what the operator has stopped."""
        return self.system.switches.stopped()

    @tool(destructive=True)
    async def stop(self, what: Stoppable, why: str) -> Stop:
        """Stop all spending at once, and until it is resumed."""
        return await self.system.switches.stop(what, why)

    @tool(destructive=True)
    async def resume(self, what: Stoppable) -> None:
        """Let go on what was stopped."""
        await self.system.switches.resume(what)

    @tool(read_only=True)
    async def trace(self, id: str) -> Sensitive[Tree]:  # noqa: A002  the word that its callers write
        """Return all that was done on behalf of a request, by the id of its trace, of a call or of a conversation."""
        return await self.system.traces.tree(id)

    @tool(read_only=True)
    async def traces(self, limit: int = 20, *, failed: bool = False, control: bool = False) -> list[TraceLine]:
        """Return the traces that ended last, latest first: only those that failed; idle timers and my own as well."""
        return list(await self.system.traces.last(limit=max(1, min(limit, 1000)), failed=failed, control=control))

    @tool
    async def emit(self, event: str, body: dict[str, Any]) -> int:
        """Publish an event by its name and its fields; return how many MADs hear it."""
        return await self.system.emit(event, body)

    @tool(destructive=True)
    async def restart(self, mad: str) -> None:
        """Start a MAD anew, whatever has become of it; where it runs, a new one takes over and no call is lost."""
        with _told():
            await self.system.restart(mad)

    @tool(destructive=True)
    async def reload(self, mad: str) -> Reloaded:
        """Start a MAD with its code as it now stands on disk; no call is lost, and the old one stays where it fails."""
        with _told():
            return await self.system.reload(mad)

    @tool(read_only=True)
    async def dead_list(self, which: Which = EVERY) -> Sensitive[DeadLetters]:
        """Return the commands given up and events refused, oldest first, at most 1,000, and how many more there are."""
        found = await self.system.dead.oldest(which)
        self._expect(found.letters, which.tool)
        return found

    def _expect(self, found: object, name: str) -> None:
        """Raise `InvalidMessage` where nothing was `found` of `name`, a MAD or its tool, and there is no such MAD."""
        if name and not found:
            self.system.shown(name.removeprefix("mads.").partition(".")[0])

    @tool(read_only=True)
    async def dead_show(self, letter: int) -> Sensitive[DeadLetter]:
        """Return one command that was given up, with its body but for what is sensitive in it."""
        return await self.system.dead.one(letter)

    @tool
    async def dead_retry(self, letter: int) -> None:
        """Deliver a command that was given up, as if it had just been sent."""
        await self.system.dead.retry(letter)

    @tool(destructive=True)
    async def dead_drop(self, letter: int) -> None:
        """Forget a command that was given up."""
        await self.system.dead.drop(letter)

    @tool
    async def dead_retry_all(self, which: Which = EVERY) -> int:
        """Deliver commands that were given up, as if they had just been sent; return how many."""
        count = await self.system.dead.retry_all(which)
        self._expect(count, which.tool)
        return count

    @tool(destructive=True)
    async def dead_drop_all(self, which: Which = EVERY) -> int:
        """Forget commands that were given up; return how many."""
        count = await self.system.dead.drop_all(which)
        self._expect(count, which.tool)
        return count

    @tool(destructive=True)
    async def sign_in(self, mad: str, whom: str = "") -> Sensitive[str]:
        """Begin to sign in at an MCP server, for `whom` or the system; return where a browser has to go."""
        return await self.system.sign_ins.begin(mad, whom)

    @tool(destructive=True)
    async def signed_in(self, mad: str, whom: str = "") -> None:
        """Return once whoever signs in at an MCP server has done so; what stands for that server is begun anew."""
        await self.system.sign_ins.done(mad, whom)
        if not whom:
            await self.restart(mad)

    @tool(destructive=True)
    async def sign_out(self, mad: str, whom: str = "") -> None:
        """Forget what signing in at an MCP server has brought."""
        await self.system.sign_ins.forget(mad, whom)
        await self.restart(mad)

    @tool(read_only=True)
    async def missing(self) -> dict[str, str]:
        """Return for each MAD that stands for an MCP server, and whose offers are not all there, why that is."""
        return dict(self.system.missing())

    @tool(read_only=True)
    async def withheld(self) -> list[Withheld]:
        """Return what MCP servers offer and nobody gets until it is approved: why, and what has changed."""
        return list(self.system.approvals.withheld())

    @tool(destructive=True)
    async def approve(self, name: str, seen: str = "") -> list[Withheld]:
        """Offer what is withheld of a MAD, or under one name of it; `seen` is the digest of what was looked at."""
        return list(await self.system.approvals.approve(name, seen))

    @tool(read_only=True)
    async def key_list(self) -> list[KeyInfo]:
        """Return every API key, and whether it is good."""
        return list(self.system.keys.all())

    @tool(destructive=True)
    async def key_new(
        self,
        name: str,
        scopes: list[str],
        tenant: str = "default",
        roles: list[str] | None = None,
        lasts: float | None = None,
    ) -> NewKey:
        """Make an API key for `name`, good for `lasts` seconds or for ever; this is the only time it is shown."""
        return await self.system.keys.new(name, tenant, roles or [], scopes, lasts)

    @tool(destructive=True)
    async def key_rotate(self, key: int, grace: float) -> NewKey:
        """Make an API key like another, which is good for `grace` seconds more; this is the only time it is shown."""
        return await self.system.keys.rotate(key, grace)

    @tool(destructive=True)
    async def key_revoke(self, key: int) -> KeyInfo:
        """Make an API key worth nothing, at once."""
        return await self.system.keys.revoke(key)

    @tool(read_only=True)
    async def policy_show(self) -> Rights:
        """Return every role, every grant, and the revision that they are."""
        return self.system.rights.all()

    @tool(destructive=True)
    async def role_new(
        self,
        role: str,
        tenant: str = "*",
        allow: list[str] | None = None,
        deny: list[str] | None = None,
        when: str = "",
        *,
        replaces: bool = False,
    ) -> Rights:
        """Make a role that may call what fits `allow`, where the condition `when` holds, and nothing in `deny`."""
        rights = self.system.rights
        return await rights.new_role(
            role, tenant=tenant, allow=allow or [], deny=deny or [], when=when, replaces=replaces
        )

    @tool(destructive=True)
    async def role_drop(self, role: str) -> Rights:
        """Forget a role: nobody holds it any more, whatever their keys and tokens say."""
        return await self.system.rights.drop_role(role)

    @tool(destructive=True)
    async def grant(
        self, whom: str, what: str, tenant: str = "default", *, allow: bool = True, when: str = ""
    ) -> Rights:
        """Give a role, or a pattern of tools, to a principal, or deny it; a pattern also to role:NAME and mad:NAME."""
        return await self.system.rights.grant(whom, what, tenant=tenant, allow=allow, when=when)

    @tool(destructive=True)
    async def revoke(self, whom: str, what: str, tenant: str = "default") -> Rights:
        """Take back what was given to somebody, or denied."""
        return await self.system.rights.revoke(whom, what, tenant=tenant)

    @tool(read_only=True)
    async def policy_test(self, cases: list[Case]) -> list[CaseResult]:
        """Return what would be decided in each case, and whether that is what is expected."""
        return list(self.system.rights.tested(cases))

    @tool(read_only=True)
    async def audit_list(self, which: AuditQuery = ANY) -> list[AuditRow]:
        """Return the last decisions: about calls, keys, rights and sign-ins; oldest first."""
        return list(await self.system.audited(which))

    @tool(read_only=True)
    async def audit_verify(self) -> Verified:
        """Return how many rows the audit has, and which of them were changed or are missing."""
        return await self.system.verified()

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
        self._expect(listed, mad)
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
