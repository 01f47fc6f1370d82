"""Where one MAD may connect to: the `net:` entries of its `may`, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from mads.egress.address import is_public, packed
from mads.egress.target import PORTS, Target, place
from mads.wire.errors import InvalidMessage, UsageError

PREFIX = "net:"
LOCAL = "localhost"
"""The one name that is as good as an address: it means this machine, and no resolver is asked."""


class Grant(Struct, frozen=True):
    """A host that may be reached: by its name, as an address, `*.` and a name for what lies below it, or `*`.

    Without a port these are the usual ones. `*` and names mean public addresses only; any other has to be named itself.
    """

    host: str
    port: int | None

    def fits(self, to: Target) -> bool:
        """Return whether `to` may be reached by this."""
        if to.port not in (PORTS.values() if self.port is None else (self.port,)):
            return False
        if self.host.startswith("*"):
            return not is_inward(to.host) and to.host.endswith(self.host[1:])
        return to.host == self.host

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{PREFIX}{host}" if self.port is None else f"{PREFIX}{host}:{self.port}"


class Grants:
    """The grants of one MAD; raises `UsageError` with what to write where an entry is none."""

    def __init__(self, may: Iterable[str]) -> None:
        self._grants = tuple(grant(entry) for entry in may)

    def by(self, to: Target) -> Grant | None:
        """Return the grant by which `to` may be reached; None where there is none."""
        return next((each for each in self._grants if each.fits(to)), None)


def grant(entry: str) -> Grant:
    """Return what an entry of `may` says; raise `UsageError` where it says nothing."""
    where = entry.removeprefix(PREFIX) if entry.startswith(PREFIX) else ""
    wild = "*." if where.startswith("*.") else ""
    if where == "*":
        return Grant("*", None)
    try:
        host, port = place(where.removeprefix(wild))
    except InvalidMessage as error:
        raise UsageError(
            f'{entry!r} grants nothing: {error}; write "net:HOST", "net:HOST:PORT", "net:*.HOST" or "net:*"'
        ) from error
    return Grant(f"{wild}{host}", port)


def is_inward(host: str) -> bool:
    """Return whether `host` is this machine's name, or an address that is not public."""
    address = packed(host)
    if address is None:
        return host == LOCAL or host.endswith(f".{LOCAL}")
    return not is_public(address)
