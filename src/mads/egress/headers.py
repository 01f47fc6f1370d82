"""The headers of a request: which a MAD may set, which cross to another origin, and where a secret is put in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mads.egress.echo import Echo
from mads.wire.errors import Failed, InvalidMessage
from mads.wire.secret import HOLE, SecretRef

MOST, LONGEST = 128, 16_384
"""How many headers there may be, and how many bytes the value of one may have, either way."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OURS = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "te"),
        *("trailer", "upgrade", "expect", "proxy-authorization", "proxy-authenticate", "content-encoding"),
    }
)
"""What the broker says itself, or nobody."""

_CROSSING = frozenset({"accept", "accept-encoding", "accept-language", "user-agent"})
"""What another origin may be told as well; whatever else a MAD sends may be a credential."""


def checked(headers: Mapping[str, str | SecretRef]) -> Mapping[str, str | SecretRef]:
    """Return `headers`; raise `InvalidMessage`, which says nothing of a value, where one may not be sent."""
    if len(headers) > MOST:
        raise InvalidMessage(f"a request may have {MOST} headers, not {len(headers)}")
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or name.lower() in _OURS:
            raise InvalidMessage(f"{name!r:.140} is no header that can be set")
        if isinstance(value, str) and not _fits(value):
            raise InvalidMessage(f"the header {name!r} has a value that cannot be sent: one line of Latin-1 at most")
    return headers


def crossing(headers: Mapping[str, str | SecretRef]) -> Mapping[str, str | SecretRef]:
    """Return those of `headers` that another origin may be told."""
    return {name: value for name, value in headers.items() if name.lower() in _CROSSING and isinstance(value, str)}


def read(pairs: Sequence[tuple[bytes, bytes]], echo: Echo, place: str) -> dict[str, str]:
    """Return the headers of an answer by name, those of one name joined; raise `Failed` where there are too many."""
    if len(pairs) > MOST:
        raise Failed(f"{place} answers with more than {MOST} headers")
    found: dict[str, str] = {}
    for raw, value in pairs:
        name, text = raw.decode("latin-1").lower(), echo.text(value.decode("latin-1"))
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


class Sent:
    """The headers of one request as they are sent; `echo` knows the secrets among them. `forget` them soon."""

    def __init__(self, headers: Mapping[str, str | SecretRef]) -> None:
        self.pairs = [
            (name.encode(), value.encode("latin-1")) for name, value in headers.items() if isinstance(value, str)
        ]
        self.echo = Echo(())
        self._secrets: list[bytearray] = []
        self._plain: list[bytes] = []

    def fill(self, name: str, secret: bytearray, ref: SecretRef) -> None:
        """Set `name` to `secret`, which stands in the shape of `ref`."""
        self._secrets.append(secret)
        value = bytes(secret)
        if not _fits(value.decode("latin-1")):
            raise InvalidMessage(
                f"the secret {ref.path!r:.200} is not one line of {LONGEST} bytes at most, so no header can hold it"
            )
        self.pairs.append((name.encode(), value))
        before, _, after = ref.shape.partition(HOLE)
        self._plain.append(value[len(before.encode()) : len(value) - len(after.encode())])
        self.echo = Echo(self._plain)

    def forget(self) -> None:
        """Overwrite what can be overwritten."""
        self.pairs.clear()
        for secret in self._secrets:
            secret[:] = bytes(len(secret))


def _fits(value: str) -> bool:
    return len(value) <= LONGEST and _VALUE.fullmatch(value) is not None
