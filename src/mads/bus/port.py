"""The port that every bus adapter fills, and what it promises.

* `request`: at most once, always within the call's deadline. Never raises but `CancelledError`: what went wrong is the
  reply's failure (`no_responder`, `late`, `overloaded`, `denied`, `invalid`, `failed`, `lost`). Cancelling it cancels
  the handler.
* `stream`: as `request`, with items before the reply. The handler is held back once `credit` items are unread; leaving
  the block cancels it.
* `publish`: at most once to every matching subscription, to one member of each group; returns when it is in the
  inboxes. A full inbox refuses it there, and the subscription counts it as dropped.
* order: calls of one (principal, key, band) are handled in the order they were made, one at a time.
* bands: of the calls that wait, one of the lowest band goes first.
* patterns: `*` stands for one token of a dotted subject, `>` for one or more at its end.

Anything more is a capability, advertised by name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from mads.wire.call import Call, Handle, Reply
from mads.wire.failure import Failure

CREDIT = 16
"""How many items of a stream may be unread before its handler waits."""


Refused = Callable[[Call, Failure], None]
"""Hears of each call or event that came to no handler, and why; the failure's `where` is whose inbox it was."""


class Stream(Protocol):
    """The items of one streaming call, then its `reply`."""

    def __aiter__(self) -> AsyncIterator[Any]:
        """Iterate over the items' bodies, in order."""
        ...

    @property
    def reply(self) -> Reply:
        """The call's end; there once the iteration has ended."""
        ...


class Subscription(Protocol):
    """One inbox and those who serve it."""

    @property
    def waiting(self) -> int:
        """How many calls wait in the inbox."""
        ...

    @property
    def dropped(self) -> int:
        """How many events were refused because the inbox was full, or not handled by their deadline."""
        ...

    async def seal(self) -> None:
        """Take no new call from now on; what was taken, and what it sends in its turn (it has a cause), is served."""

    async def close(self) -> None:
        """Take nothing more, answer what waits with `no_responder`, cancel what runs."""


class Bus(Protocol):
    """A transport for calls."""

    @property
    def capabilities(self) -> frozenset[str]:
        """What this engine can do beyond the contract."""
        ...

    async def request(self, call: Call) -> Reply:
        """Send `call` to one subscription that matches its subject and return the reply."""
        ...

    def stream(self, call: Call, *, credit: int = CREDIT) -> AbstractAsyncContextManager[Stream]:
        """Open a streaming call."""
        ...

    async def publish(self, call: Call) -> None:
        """Send `call` to every subscription that matches its subject, once to each group."""

    async def subscribe(
        self,
        patterns: Sequence[str],
        handle: Handle,
        *,
        group: str | None = None,
        owner: str | None = None,
        at_once: int = 1,
        capacity: int = 256,
    ) -> Subscription:
        """Serve the subjects that match any of `patterns` from one inbox of `capacity`, `at_once` at a time.

        A call with a cause, whose chain holds `owner`, does not wait for its own ancestors: it skips the queue.
        """
        ...

    async def drain(self, timeout: float) -> None:
        """Take no new call, finish what was taken within `timeout` seconds, cancel the rest, close."""
