"""The needs by which a MAD reaches outside: a secret as a handle, and HTTP through the system's one broker."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from mads.wire.secret import SecretRef
from mads.wire.web import Answer


class Secrets(Protocol):
    """Handles of secrets: this MAD hands them on to what sends them, and never sees what is behind one."""

    async def __call__(self, path: str, *, version: int | None = None) -> SecretRef:
        """Return a handle of the secret at `path`, of its newest version where none is named.

        Raises `Denied` where this MAD was not granted it, `InvalidMessage` where there is none.
        """
        ...


class Arriving(Protocol):
    """An answer as it arrives: its beginning, and an iterator over the pieces of its body, decoded."""

    @property
    def status(self) -> int:
        """The status, as in 200."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by name in small letters."""
        ...

    @property
    def url(self) -> str:
        """Where it came from, after all redirects."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the pieces."""
        ...


class Egress(Protocol):
    """HTTP to the outside, by the system's one broker: where this MAD may go stands at it in mads.toml.

    `may = ["net:api.example.com", "net:*.example.org"]` allows ports 80 and 443 of public addresses;
    `"net:127.0.0.1:8080"` names one that is not public. Redirects are followed where they lead on to what is allowed
    too, and take along no header of a MAD's own to another origin. A header may be a `SecretRef`: the secret is put in
    where the request leaves, and taken out of what comes back.

    Raises `Denied` where the MAD may not, `InvalidMessage` where it is no request, `NoResponder` where nobody answers,
    `Failed` where the answer breaks off, has more than `limit` bytes, or cannot be read, and `DeadlineExceeded` after
    `timeout` seconds in all. An answer with a status of 400 or more is an answer.
    """

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str | SecretRef] = ...,
        content: bytes | None = None,
        json: Any = None,
        timeout: float = 30.0,
        limit: int = ...,
        redirects: int = 5,
    ) -> Answer:
        """Return the whole answer, of at most 12 MB; `json` is sent as such."""
        ...

    def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str | SecretRef] = ...,
        content: bytes | None = None,
        json: Any = None,
        timeout: float = 30.0,
        limit: int = ...,
        redirects: int = 5,
    ) -> AbstractAsyncContextManager[Arriving]:
        """Return the answer as it arrives; leaving the block lets go of it."""
        ...
