"""A MAD that works with secrets, in every place: it is handed handles, and tries to be handed more."""

from __future__ import annotations

from mads import Egress, SecretRef, Secrets, mad, on, tool
from mads.duos.turing import SecretRotated, Turing


@mad
class Courier:
    """You carry sealed letters."""

    secrets: Secrets
    turing: Turing
    egress: Egress

    @tool
    async def fetch(self, path: str) -> SecretRef:
        """Return a handle by the need."""
        return await self.secrets(path)

    @tool
    async def ask(self, path: str) -> SecretRef:
        """Return a handle by the tool."""
        return await self.turing.get_secret(path)

    @tool
    async def deliver(self, url: str, path: str) -> str:
        """Send a request with a secret to where it may go; return what was answered."""
        ref = await self.secrets(path)
        return (await self.egress.request("GET", url, headers={"Authorization": ref.shaped("Bearer {}")})).text

    @on(SecretRotated)
    async def hear(self, rotated: SecretRotated) -> None:
        """Hear that a secret has a new version."""

    @tool
    async def pry(self, path: str) -> str:
        """Have a secret shown."""
        return (await self.turing.reveal_secret(path)).value

    @tool
    async def forge(self, mad: str) -> None:
        """Grant oneself everything."""
        await self.turing.grant_secret(mad, "*")
