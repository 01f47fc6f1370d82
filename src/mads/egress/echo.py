"""An answer that repeats a secret which was sent does not bring it back: in its place stands `[sensitive]`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from mads.author.sensitive import HIDDEN

SHORTEST = 4
"""Bytes that a secret must have to be looked for; a shorter one would be found by chance."""


class Echo:
    """Takes `secrets` out of what comes back; where there are none, nothing is changed."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._secrets = sorted({each for each in secrets if len(each) >= SHORTEST}, key=len, reverse=True)
        self._longest = len(self._secrets[0]) if self._secrets else 0

    def text(self, text: str) -> str:
        """Return `text` without them."""
        for secret in self._secrets:
            text = text.replace(secret.decode(), HIDDEN)
        return text

    async def body(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield `chunks` without them, also where one is cut in two."""
        if not self._secrets:
            async for chunk in chunks:
                yield chunk
            return
        held = b""
        async for chunk in chunks:
            held = self._without(held + chunk)
            keep = self._begun(held)
            if len(held) > keep:
                yield held[: len(held) - keep]
            held = held[len(held) - keep :]
        if held:
            yield held

    def _without(self, data: bytes) -> bytes:
        for secret in self._secrets:
            data = data.replace(secret, HIDDEN.encode())
        return data

    def _begun(self, data: bytes) -> int:
        """Return how many bytes at the end of `data` may be the beginning of a secret."""
        return next(
            (
                size
                for size in range(min(len(data), self._longest - 1), 0, -1)
                if any(secret.startswith(data[-size:]) for secret in self._secrets)
            ),
            0,
        )
