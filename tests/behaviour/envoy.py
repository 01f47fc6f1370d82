"""A MAD that reaches outside, for the behaviour tests."""

from __future__ import annotations

from mads import CallError, Egress, SecretRef, mad, tool


@mad
class Envoy:
    """You bring back what others say."""

    egress: Egress

    @tool
    async def get(self, url: str, path: str = "") -> str:
        """Return the status and the body of what is at `url`."""
        headers: dict[str, str | SecretRef] = {"Authorization": SecretRef(path)} if path else {}
        answer = await self.egress.request("GET", url, headers=headers)
        return f"{answer.status} {answer.text}"

    @tool
    async def post(self, url: str, text: str) -> str:
        """Send JSON to `url`, and return the answer."""
        return (await self.egress.request("POST", url, json={"text": text})).text

    @tool
    async def pieces(self, url: str) -> list[str]:
        """Return the status and the pieces of an answer, or how it ended."""
        found: list[str] = []
        try:
            async with self.egress.stream("GET", url, timeout=5, limit=1000) as arriving:
                found.append(str(arriving.status))
                found += [piece.decode() async for piece in arriving]
        except CallError as error:
            found.append(type(error).__name__)
        return found

    @tool
    async def drip(self, url: str) -> str:
        """Return how an answer fails that takes too long."""
        try:
            await self.egress.request("GET", url, timeout=0.3)
        except CallError as error:
            return type(error).__name__
        return "it came"
