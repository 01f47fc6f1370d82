"""What Turing may ask of the vault: the port behind the built-in MAD for secrets."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from mads.author.sensitive import Sensitive
from mads.wire.secret import SecretRef


class SecretInfo(Struct, frozen=True, kw_only=True):
    """A secret, without what is in it: its newest `version`, when that was made and when it is worth nothing any more.

    It may go to `hosts`, and nowhere else. Times are ISO 8601, in UTC; "" is never.
    """

    path: str
    tenant: str
    version: int
    hosts: tuple[str, ...]
    made: str
    expires: str


class GrantInfo(Struct, frozen=True, kw_only=True):
    """`mad` may use the secrets of `tenant` that fit `pattern`; each handle for `lease` seconds, 0 for as long."""

    mad: str
    pattern: str
    tenant: str
    lease: float


class SealInfo(Struct, frozen=True, kw_only=True):
    """Whether the secrets are sealed, and whether that takes a `passphrase`; where `new`, the next one is it."""

    sealed: bool
    passphrase: bool
    new: bool


class Revealed(Struct, frozen=True, kw_only=True):
    """A secret in plain; bytes that are no UTF-8 are in base64."""

    path: str
    value: Sensitive[str]
    encoding: str = "utf-8"


class Wrapped(Struct, frozen=True, kw_only=True):
    """A `token` that opens a secret once, until then; nobody can find it out again."""

    token: Sensitive[str]
    until: str


class SecretsOffice(Protocol):
    """The secrets of the tenant for whom the call being handled is made, or for the operator of any `tenant`.

    Each method raises `InvalidMessage` where there is no such secret, or there can be none, `Denied` while the vault is
    sealed. That it was asked for is on disk before the answer. Spans are in seconds.
    """

    async def handle(self, path: str, *, version: int | None) -> SecretRef:
        """Return a handle of a secret, to a MAD one that it was granted."""
        ...

    async def put(
        self,
        path: str,
        value: str | None,
        *,
        hosts: Sequence[str] | None,
        lasts: float | None,
        grace: float,
        expect: int | None,
        tenant: str,
    ) -> SecretInfo:
        """Write the next version, one that nobody knows where `value` is None; the one before is good for `grace`.

        Hosts None are those of the version before. Raises where the newest version is not `expect`; 0 is that there is
        none.
        """
        ...

    async def all(self, prefix: str, *, tenant: str) -> Sequence[SecretInfo]:
        """Return every secret whose path begins so."""
        ...

    async def drop(self, path: str, *, tenant: str) -> None:
        """Forget a secret, every version of it."""

    async def reveal(self, path: str, *, version: int | None, tenant: str) -> Revealed:
        """Return a secret in plain, to a person and not to a MAD; or raise `Denied`."""
        ...

    async def wrap(self, path: str, *, lasts: float, tenant: str) -> Wrapped:
        """Return a token for whoever is to have a secret, once; for a person, as with `reveal`."""
        ...

    async def unwrap(self, token: str) -> Revealed:
        """Return what a token is for, and forget it; for a person, as with `reveal`."""
        ...


class SecretsKeeping(Protocol):
    """Who may use secrets, and what they lie under. Only the operator may change it, and only directly, or `Denied`."""

    async def grant(self, mad: str, pattern: str, *, lease: float | None, tenant: str) -> Sequence[GrantInfo]:
        """Let a MAD use the secrets that fit, each handle for so many seconds; return all that is granted then."""
        ...

    async def revoke(self, mad: str, pattern: str, *, tenant: str) -> Sequence[GrantInfo]:
        """Take that back; return all that is granted then."""
        ...

    def granted(self) -> Sequence[GrantInfo]:
        """Return what is granted."""
        ...

    def state(self) -> SealInfo:
        """Return whether the secrets are sealed."""
        ...

    async def seal(self) -> SealInfo:
        """Forget what opens the secrets, until somebody gives the passphrase."""
        ...

    async def unseal(self, passphrase: str) -> SealInfo:
        """Open the secrets; raise `Denied` where that is not the passphrase."""
        ...

    async def renew(self, passphrase: str, root: str = "") -> int:
        """Put every secret under a new key, and that under `root` if one is named, while they are in use.

        Return how many.
        """
        ...
