"""What may be asked about who comes in and what may be called: keys, rights, approvals, sign-ins."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from mads.author.sensitive import Sensitive
from mads.wire.status import Case, CaseResult, KeyInfo, Rights
from mads.wire.tools import Withheld


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
