"""The system's own principals, and whose data whoever asks is shown: its tenant's, or everybody's."""

from __future__ import annotations

from msgspec.structs import replace

from mads.wire.call import Call, Identity, current
from mads.wire.errors import Denied

OPERATOR = "operator"
"""Whoever may open the system's Unix socket: the user that started it."""

ANONYMOUS = "anonymous"
"""Whoever knocks on loopback without saying who it is."""

HOST = "host"
"""What the host itself begins."""

DEVELOPER = "developer"
"""The role that may all that destroys nothing: of the anonymous developer, and of a key that gives no other."""

ADMIN = "admin"
"""The role that may all that can be called."""

NOBODY = Identity(ANONYMOUS, roles=(DEVELOPER,))
"""Whoever shows no credential, where that is enough."""


def whose(identity: Identity, tenant: str = "") -> str | None:
    """Return whose data `identity` is shown where it asks for that of `tenant`, or for all that it may see ("").

    None is for everybody's, which the operator alone is shown. Raises `Denied` where it asks for another's.
    """
    if identity.principal == OPERATOR:
        return tenant or None
    if tenant not in ("", identity.tenant):
        raise Denied(f"{identity.principal!r} may not see what is tenant {tenant!r}'s")
    return identity.tenant


def theirs() -> str | None:
    """Return whose data is shown to whoever makes the call being handled; None for everybody's, as outside of one."""
    call = current.get()
    return None if call is None else whose(call.identity)


def only_operator(what: str) -> None:
    """Raise `Denied` unless the operator asks for it, not a MAD on the way: what it makes may outlive that MAD."""
    call = current.get()
    if call is None or call.identity.principal != OPERATOR or call.identity.chain:
        raise Denied(f"only the operator may {what}, on the machine of the system: mads --help")


def vouched(call: Call) -> Call:
    """Return `call` with the identity of a caller on the system's own socket: its operator, or less if it says so."""
    identity = NOBODY if call.identity.principal == ANONYMOUS else Identity(OPERATOR)
    return replace(call, identity=identity, cause=None, command=None)
