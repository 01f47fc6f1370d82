"""What the control plane may ask of the system that runs it: the port behind the built-in MAD steward."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mads.author.entry import ApiKeys, Approvals, RightsOffice, SignIns
from mads.wire.call import Identity
from mads.wire.canary import CanaryInfo, State
from mads.wire.flags import FlagFound, FlagInfo
from mads.wire.ledger import Amount, Bill, By, CapUse, Reconciled, Reservation, Sum
from mads.wire.settings import Setting
from mads.wire.status import (
    AuditQuery,
    AuditRow,
    DeadLetter,
    DeadLetters,
    EventInfo,
    LimitInfo,
    Reloaded,
    Shown,
    Status,
    Stop,
    Stoppable,
    Verified,
    Which,
)
from mads.wire.tools import ToolInfo
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
        """Stop it; what is stopped already stays so, for the reason that was given first.

        Raises `InvalidMessage` where there is nothing of that name, or no reason.
        """
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
        """Return the open lines after the id `after`, the oldest first, as many as fit one reply."""
        ...

    async def settle(self, reservation: int, spent: Amount | None) -> None:
        """Settle one by hand: it came to `spent`, or to nothing. Raise `InvalidMessage` where there is none open."""
        ...

    async def reconcile(self, bill: Bill) -> Reconciled:
        """Settle what is open in the time of a bill so that all comes to it; raise `InvalidMessage` where it cannot."""
        ...


class FlagOffice(Protocol):
    """Feature flags; each method raises `InvalidMessage` where there is none of that name."""

    def all(self) -> Sequence[FlagInfo]:
        """Return every flag, by name."""
        ...

    def trouble(self) -> str:
        """Return what is wrong with the file as it stands now, where the last good one counts; or ""."""
        ...

    def found(self, flag: str, identity: Identity, conversation: str, about: dict[str, Any]) -> FlagFound:
        """Return what a flag is for somebody, of whom `about` is known besides."""
        ...

    async def change(self, flag: str, *, default: str | None, enabled: bool | None) -> Sequence[FlagInfo]:
        """Have a flag another default, or on or off, in its file."""
        ...


class Settings(Protocol):
    """What of `mads.toml` changes while a system runs."""

    async def take(self, changes: Mapping[str, str]) -> Sequence[Setting]:
        """Make `changes` in it (a value by its key, "" for none), take up what it says, return what is new.

        Raises `InvalidMessage` where it would have a mistake; nothing is changed then.
        """
        ...


class Canaries(Protocol):
    """Second versions of MADs; each method raises `InvalidMessage` where a MAD has none."""

    def all(self) -> Sequence[CanaryInfo]:
        """Return every canary, by the name of its MAD."""
        ...

    def one(self, mad: str) -> CanaryInfo:
        """Return that of one MAD."""
        ...

    async def turn(self, mad: str, state: State, why: str) -> CanaryInfo:
        """Have it run anew, stopped, promoted or rolled back from now on; raise `InvalidMessage` without a reason."""
        ...


class Traces(Protocol):
    """What the system did."""

    async def tree(self, id_: str) -> Tree:
        """Return the tree of a trace, of the trace of a call, or of a conversation; raise `InvalidMessage` if none."""
        ...

    async def last(self, *, limit: int, failed: bool, control: bool) -> Sequence[TraceLine]:
        """Return the traces that ended last; only those that `failed`, and those of `control` of the system too."""
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
    def flags(self) -> FlagOffice:
        """The feature flags."""
        ...

    @property
    def settings(self) -> Settings:
        """What of its `mads.toml` changes."""
        ...

    @property
    def canaries(self) -> Canaries:
        """The second versions of its MADs."""
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
