"""What a credential comes to: a `Grant`, or an `Unverified` that says why not, in words that help no thief."""

from __future__ import annotations

from msgspec import Struct

from mads.guard.principals import ANONYMOUS, HOST, OPERATOR
from mads.wire.call import Identity
from mads.wire.errors import UsageError

LONGEST = 255
"""How many characters the name of a principal, a tenant or a role may have."""

RESERVED = (OPERATOR, ANONYMOUS, HOST)
"""Principals that no credential stands for; nor for a MAD, `mad:NAME`."""


class Grant(Struct, frozen=True):
    """Who somebody is, and until when, in seconds since 1970; None is for ever.

    `owner` tells whose credential it was: a session that was opened with one may be used with that one only.
    """

    identity: Identity
    owner: str
    expires: float | None = None


class Unverified(Exception):
    """The credential shows nothing; the message says why, and only what whoever holds it knows anyway."""


def check_name(what: str, name: str) -> None:
    """Raise `UsageError` where `name` can be no principal, tenant or role, whichever is `what`."""
    if not 0 < len(name) <= LONGEST or not name.isprintable() or any(sign.isspace() for sign in name):
        raise UsageError(f"{what} {name!r:.80} is no name; write 1 to {LONGEST} visible characters without a space")


def check_principal(name: str) -> None:
    """Raise `UsageError` where no credential may stand for a principal of that name."""
    check_name("the principal", name)
    if name in RESERVED or name.startswith("mad:"):
        raise UsageError(f"{name!r} is the system's own principal; write another name")
