"""The port that every provider of models fills, and how one fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from mads.wire.model import ModelRequest, ToolCall, Usage

Outcome = Literal[
    "limited", "overloaded", "refused", "broken", "late", "lost", "drifted", "budget", "worth", "cancelled"
]
"""How an attempt fails: 429; 5xx; another 4xx; an answer that cannot be read; none in time; no connection; drift; no
attempt was made, for nobody may pay for it, or it is not worth it; or nobody waits for its answer any more."""


class Trouble(Exception):
    """A provider did not answer as it should; after `retry_after` seconds it may, where it says so."""

    def __init__(self, outcome: Outcome, why: str, *, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.outcome: Outcome = outcome
        self.retry_after = retry_after


class Answered(Struct, frozen=True):
    """What came back: `model` and `fingerprint` as the provider says, `usage` None where it says nothing of that."""

    text: str
    calls: tuple[ToolCall, ...] = ()
    finish: str = "stop"
    model: str = ""
    fingerprint: str = ""
    usage: Usage | None = None


class Embedded(Struct, frozen=True):
    """A vector for each text, in their order."""

    vectors: tuple[tuple[float, ...], ...]
    model: str = ""
    usage: Usage | None = None


class Provider(Protocol):
    """Where models are. Each method makes one attempt and raises `Trouble`; how long it may take is the caller's."""

    async def complete(self, model: str, request: ModelRequest) -> Answered:
        """Return the answer of `model`, the provider's own id of it."""
        ...

    def stream(self, model: str, request: ModelRequest) -> AsyncGenerator[str | Answered]:
        """Yield the text of the answer as it comes, and last the whole of it."""
        ...

    async def embed(self, model: str, texts: Sequence[str]) -> Embedded:
        """Return a vector for each text."""
        ...

    async def close(self) -> None:
        """Let go of what is held."""
