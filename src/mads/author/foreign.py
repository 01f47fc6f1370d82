"""What a MAD that stands for an MCP server may ask of the system."""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

from mads.wire.tools import Definition


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
