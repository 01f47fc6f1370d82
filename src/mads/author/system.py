"""What the control plane may ask of the system that runs it: the port behind the built-in MAD steward."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from mads.author.sensitive import Sensitive
from mads.wire.conversation import Certificate, Conversation, Exchange, Label, Said, Stats, Taken
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
from mads.wire.tools import Definition, ToolInfo, Withheld
from mads.wire.trace import TraceLine, Tree


class DeadOffice(Protocol):
    """Commands that were given up; each method raises `InvalidMessage` where there is none of that id."""

    async def oldest(self, which: Which) -> DeadLetters:
        """Return the oldest of `which`, as many as fit one reply, without their bodies."""
        ...

    async def one(self, letter: int) -> DeadLetter:
        """Return one with its body."""
        ...

    async def retry(self, letter: int) -> None:
        """Deliver it again, from now on as if it had just been sent."""

    async def drop(self, letter: int) -> None:
        """Forget it."""

    async def retry_all(self, which: Which) -> int:
        """Deliver all of `which` again; return how many."""
        ...

    async def drop_all(self, which: Which) -> int:
        """Forget all of `which`; return how many."""
        ...


class Switches(Protocol):
    """What is stopped."""

    def stopped(self) -> list[Stop]:
        """Return what is stopped."""
        ...

    async def stop(self, what: Stoppable, why: str) -> Stop:
        """Stop it; what is stopped already stays so, for the reason that was given first."""
        ...

    async def resume(self, what: Stoppable) -> None:
        """Let it go on; raise `InvalidMessage` where it is not stopped."""


class Spending(Protocol):
    """What is spent, of whom the call being handled may be told."""

    async def caps(self) -> Sequence[CapUse]:
        """Return what is used of each cap in its present window."""
        ...

    async def cost(self, by: By, since: float) -> Sequence[Sum]:
        """Return what was spent from `since` on, in seconds since 1970, and is reserved; those first who spend most."""
        ...

    async def reservations(self, after: int) -> Sequence[Reservation]:
        """Return those that stand after the id `after`, the oldest first, as many as fit one reply."""
        ...

    async def settle(self, reservation: int, spent: Amount | None) -> None:
        """Settle one by hand: it came to `spent`, or to nothing. Raise `InvalidMessage` where there is none open."""


class Traces(Protocol):
    """What the system did."""

    async def tree(self, id_: str) -> Tree:
        """Return the tree of a trace, of the trace of a call, or of a conversation; raise `InvalidMessage` if none."""
        ...

    async def last(self, *, limit: int, failed: bool, control: bool) -> Sequence[TraceLine]:
        """Return the traces that ended last; only those that `failed`, and those of `control` of the system too."""
        ...


class NewKey(Struct, frozen=True, kw_only=True):
    """A key that was just made, `written` out; nobody can find that out again."""

    written: Sensitive[str]
    info: KeyInfo


class ApiKeys(Protocol):
    """Keys by which programs sign in. Only the operator may change them, and only directly, or it raises `Denied`.

    A span is in seconds. Each method raises `InvalidMessage` where there is no such key, or there can be none.
    """

    def all(self) -> Sequence[KeyInfo]:
        """Return every key, by id."""
        ...

    async def new(
        self, principal: str, tenant: str, roles: Sequence[str], scopes: Sequence[str], lasts: float | None
    ) -> NewKey:
        """Make a key that is good for so long; None is for ever."""
        ...

    async def rotate(self, key: int, grace: float) -> NewKey:
        """Make a key like another, for as long as that was for; the other is good for `grace` more."""
        ...

    async def revoke(self, key: int) -> KeyInfo:
        """Make a key worth nothing, at once."""
        ...


class RightsOffice(Protocol):
    """Who may call what. Only the operator may change it, and only directly, or a method raises `Denied`.

    Each raises `InvalidMessage` where what it is told makes no sense, and returns what counts from then on.
    """

    def all(self) -> Rights:
        """Return every role and every grant."""
        ...

    async def new_role(
        self, role: str, *, tenant: str, allow: Sequence[str], deny: Sequence[str], when: str, replaces: bool
    ) -> Rights:
        """Make a role that may call what fits `allow`, where `when` holds, and nothing that fits `deny`."""
        ...

    async def drop_role(self, role: str) -> Rights:
        """Forget a role: nobody holds it any more."""
        ...

    async def grant(self, whom: str, what: str, *, tenant: str, allow: bool, when: str) -> Rights:
        """Give `what`, a role or a pattern of tools, to `whom`, or deny it."""
        ...

    async def revoke(self, whom: str, what: str, *, tenant: str) -> Rights:
        """Take back what was given or denied."""
        ...

    def tested(self, cases: Sequence[Case]) -> Sequence[CaseResult]:
        """Return what would be decided in each of `cases`."""
        ...


class Approvals(Protocol):
    """What MCP servers offer, and nobody gets until the operator has looked at it."""

    def withheld(self) -> Sequence[Withheld]:
        """Return what is withheld."""
        ...

    async def approve(self, name: str, seen: str) -> Sequence[Withheld]:
        """Offer what is withheld of a MAD, or under one name of it; `seen` is its digest, or the beginning of it.

        Raises `Denied` unless the operator asks for it, `InvalidMessage` where nothing is withheld under that name, or
        something else by now than what was seen.
        """
        ...


class SignIns(Protocol):
    """Signing in at MCP servers. Only the operator may do so, and only directly, or a method raises `Denied`.

    A `principal` is for whom; "" is the system. Each raises `InvalidMessage` where nobody signs in at `mad`.
    """

    async def begin(self, mad: str, principal: str) -> str:
        """Begin; return the address to which a browser has to go, "" where none has to."""
        ...

    async def done(self, mad: str, principal: str) -> None:
        """Return once it is done; raise `Denied` where it does not come about."""

    async def forget(self, mad: str, principal: str) -> None:
        """Forget what signing in has brought."""


class Keep(Protocol):
    """Where what one sign-in has brought is kept."""

    async def load(self) -> str:
        """Return what was kept; "" is nothing."""
        ...

    async def save(self, kept: str) -> None:
        """Keep it, instead of what was kept before; "" is to forget that."""
        ...


class Credentials(Protocol):
    """For a MAD that stands for an MCP server: what is shown to that server, and to nobody else."""

    async def __call__(self, path: str, url: str) -> str:
        """Return the secret at `path`, which goes to `url`, or into the environment of a command where that is "".

        Who it was for is in the audit before. Raises as `Vault.resolve` does.
        """
        ...


class Offers(Protocol):
    """For a MAD that stands for an MCP server: what that offers is found out while the MAD runs."""

    @property
    def mad(self) -> str:
        """The name under which it is offered."""
        ...

    async def tell(self, definitions: Sequence[Definition], missing: str) -> None:
        """Offer `definitions` in the place of what was offered; `missing` says why they are not all ("": they are)."""

    def signed(self, principal: str) -> Keep:
        """Return where the sign-in of `principal` at the server is kept; "" is that of the system."""
        ...

    def can(self) -> Collection[str]:
        """Return the methods of MCP that whoever made the call being handled answers, or wants to hear."""
        ...

    def log(self, level: str, data: Any, logger: str) -> None:
        """Tell a line of the server's log to whoever made the call that is being handled."""

    def fares(self, why: str) -> None:
        """Say why the server cannot be used; "" is that it can."""

    async def ask(self, method: str, params: dict[str, Any], name: str) -> dict[str, Any]:
        """Put a question of MCP to whoever made the call that is being handled; raise `CannotAsk` where nobody answers.

        `name` tells it from the others of its call; "" is any.
        """
        ...


class System(Protocol):
    """The running system, seen from inside."""

    @property
    def rights(self) -> RightsOffice:
        """Who may call what in it."""
        ...

    @property
    def traces(self) -> Traces:
        """What it did."""
        ...

    @property
    def keys(self) -> ApiKeys:
        """Its API keys."""
        ...

    @property
    def switches(self) -> Switches:
        """What is stopped."""
        ...

    @property
    def spending(self) -> Spending:
        """What is spent."""
        ...

    @property
    def dead(self) -> DeadOffice:
        """Its dead letters."""
        ...

    @property
    def approvals(self) -> Approvals:
        """What of its MCP servers is approved."""
        ...

    @property
    def sign_ins(self) -> SignIns:
        """Who has signed in at its MCP servers."""
        ...

    def missing(self) -> Mapping[str, str]:
        """Return for each MAD whose offers are not all there why that is."""
        ...

    async def status(self) -> Sequence[Status]:
        """Return how each MAD fares."""
        ...

    async def audited(self, which: AuditQuery) -> Sequence[AuditRow]:
        """Return those of the last decisions that fit `which`, oldest first."""
        ...

    async def verified(self) -> Verified:
        """Return how many decisions are in the audit, and what is wrong with it."""
        ...

    def tools(self) -> Sequence[ToolInfo]:
        """Return every tool that whoever makes the call being handled may call."""
        ...

    def shown(self, mad: str) -> Shown:
        """Return who a MAD is; raise `InvalidMessage` where there is none of that name."""
        ...

    def events(self) -> Sequence[EventInfo]:
        """Return every event that some MAD hears or declares."""
        ...

    def layers(self) -> Sequence[str]:
        """Return the layers round every handler, outermost first."""
        ...

    async def limits(self) -> Sequence[LimitInfo]:
        """Return every limit, and what is used of it by those of whom the call being handled may be told."""
        ...

    async def restart(self, mad: str) -> None:
        """Start a MAD anew; raise `InvalidMessage` where there is none, `ConfigError` where it cannot start."""

    async def reload(self, mad: str) -> Reloaded:
        """Start a MAD with its code as it now stands on disk; raise as `restart` does, and leave the old one then."""
        ...

    async def emit(self, event: str, body: dict[str, Any]) -> int:
        """Publish an event by its wire name, or any unambiguous ending of it; return how many MADs hear it."""
        ...


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
