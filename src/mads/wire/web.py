"""What is asked of somebody outside over HTTP, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from mads.wire.errors import InvalidMessage
from mads.wire.secret import SecretRef

T = TypeVar("T")

LARGEST = 12_000_000
"""Bytes that one request, or one answer that comes as a whole, may have; a stream may be longer."""


PATIENCE = 86_400.0
"""Seconds that a `Retry-After` means at most: whoever asks for more than a day is asked once a day."""


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return how many seconds the header `Retry-After` asks for, or until its date; None where that is no time to come.

    `now` is in seconds since 1970.
    """
    said = headers.get("retry-after", "")
    try:
        wait = float(said)
    except ValueError:
        try:
            wait = parsedate_to_datetime(said).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(wait, PATIENCE) if wait > 0 else None


class Ask(Struct, frozen=True, forbid_unknown_fields=True):
    """A request as a MAD makes it; `limit` is how many bytes the answer may have, `redirects` how often it may lead on.

    A header whose value is a `SecretRef` gets the secret where the request leaves the system, and not before.
    """

    method: str
    url: str
    headers: dict[str, str | SecretRef] = field(default_factory=dict[str, str | SecretRef])
    content: bytes = b""
    limit: Annotated[int, Meta(ge=0)] = LARGEST
    redirects: Annotated[int, Meta(ge=0, le=20)] = 5


class Head(Struct, frozen=True):
    """How an answer begins: its status, its headers by name in small letters, and the URL from which it came."""

    status: int
    headers: Mapping[str, str]
    url: str


class Answer(Head, frozen=True):
    """An answer with its whole body, decoded as its `content-encoding` says."""

    body: bytes = b""

    @property
    def text(self) -> str:
        """The body as text, in the charset that the answer names, else in UTF-8; what does not fit is replaced."""
        _, _, charset = self.headers.get("content-type", "").partition("charset=")
        try:
            return self.body.decode(charset.partition(";")[0].strip(" \"'") or "utf-8", errors="replace")
        except (LookupError, ValueError):
            return self.body.decode(errors="replace")

    def json(self, type_: type[T] | Any = Any) -> T | Any:
        """Return the body, which is JSON, as a `type_`; raise `InvalidMessage` where it is none."""
        try:
            return msgspec.json.decode(self.body, type=type_)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidMessage(f"{self.url.partition('?')[0]} answered what does not fit: {error}") from error
