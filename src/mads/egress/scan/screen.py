"""What a MAD is about to send, looked through: by the policy of that MAD it goes, goes masked, or does not go."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from mads.author.vault import Fingerprints
from mads.egress.config import Mode, Outgoing
from mads.egress.scan import personal
from mads.egress.scan.detector import Detector
from mads.egress.scan.finding import Finding
from mads.egress.target import Target
from mads.wire.errors import Denied
from mads.wire.secret import SecretRef

APART = 16 * 1024
"""Bytes from which on a body is looked through beside the loop."""

CREDENTIAL = frozenset(
    {"authorization", "cookie", "x-api-key", "api-key", "x-goog-api-key", "x-auth-token", "private-token"}
)
"""Headers in which something that looks like a secret is nothing unusual; those that the vault knows are, here too."""

_ESCAPE = re.compile(rb"\\u([0-9a-fA-F]{4})|\\(/)")
_BLOB = re.compile(rb"[A-Za-z0-9+/_-]{32,}={0,2}")
_WRAP = re.compile(rb"(?<=[A-Za-z0-9+/_-]{60})(?:\r?\n|(?:\\r)?\\n)(?=[A-Za-z0-9+/_-])")
"""Where a long piece of base64 goes on in the next line, in JSON too."""
_STANDARD = bytes.maketrans(b"-_", b"+/")
_BLOBS = 200
"""How many pieces of a body are looked into as if they were base64."""


class Screen:
    """Looks through what is sent."""

    def __init__(self) -> None:
        self._detector = Detector()

    async def passed(
        self,
        policy: Outgoing,
        mad: str,
        to: Target,
        *,
        tenant: str,
        headers: Mapping[str, str | SecretRef],
        content: bytes,
        known: Fingerprints | None,
    ) -> tuple[bytes, tuple[str, ...]]:
        """Return the body as it may be sent, and the kinds of what was masked in it; raise `Denied` where it may not.

        A URL and headers are never masked, nor is what is hidden in an encoding: where that would be needed, nothing
        is sent. What it is, whoever is of `tenant` is told, but not what another tenant's secret is called.
        """
        if policy.secrets == "pass" and policy.personal == "pass":
            return content, ()
        named = None if known is None else partial(_named, known, tenant)
        work = (policy, to.path.encode(), headers, content, named)
        is_long = len(content) > APART
        open_, hidden = await asyncio.to_thread(self._looked, *work) if is_long else self._looked(*work)
        modes: dict[str, Mode] = {"secrets": policy.secrets, "personal": policy.personal}
        blocked = sorted({it.kind for it in open_ if modes[it.family] == "block"} | set(hidden))
        if blocked:
            raise _denied(mad, to, blocked)
        masked = _masked(content, open_)
        if masked is None:
            raise _denied(mad, to, sorted({it.kind for it in open_}))
        return masked, tuple(sorted({it.kind for it in open_}))

    def _looked(
        self,
        policy: Outgoing,
        path: bytes,
        headers: Mapping[str, str | SecretRef],
        content: bytes,
        named: Callable[[bytes], set[str]] | None,
    ) -> tuple[list[Finding], list[str]]:
        """Return what lies open in the body, and the kinds of what lies elsewhere, or in disguise."""
        open_ = [*self._found(content, policy)]
        around = b"\n".join((unquote_to_bytes(path), _lines(headers, CREDENTIAL)))
        disguises = [*disguised(content)]
        hidden = [it.kind for body in (around, *disguises) for it in self._found(body, policy)]
        if policy.secrets != "pass" and named is not None:
            everything = b"\n".join((path, unquote_to_bytes(path), _lines(headers), content, *disguises))
            hidden += named(everything)
        return open_, hidden

    def _found(self, body: bytes, policy: Outgoing) -> Iterator[Finding]:
        if policy.secrets != "pass":
            yield from self._detector.found(body)
        if policy.personal != "pass":
            yield from personal.found(body)


def _named(known: Fingerprints, tenant: str, body: bytes) -> set[str]:
    """Return what the secrets in `body` are called to whoever is of `tenant`."""
    found = known.found(body)
    return {f"the secret {it}" if it.rpartition(":")[0] == tenant else "a secret of another tenant" for it in found}


def disguised(body: bytes) -> Iterator[bytes]:
    """Yield what `body` says where JSON or a URL escapes letters, and what base64 in it says."""
    if b"\\" in body and (plain := _ESCAPE.sub(_unescaped, body)) != body:
        yield plain
    if b"%" in body and (plain := unquote_to_bytes(body)) != body:
        yield plain
    blobs = (match[0] for match, _ in zip(_BLOB.finditer(_WRAP.sub(b"", body)), range(_BLOBS), strict=False))
    decoded = b"\n".join(filter(None, map(_decoded, blobs)))
    if decoded:
        yield decoded


def _unescaped(match: re.Match[bytes]) -> bytes:
    return chr(int(match[1], 16)).encode(errors="replace") if match[1] else b"/"


def _decoded(blob: bytes) -> bytes:
    """Return what `blob` says in base64, of either alphabet; nothing where that is no text."""
    try:
        bare = blob.rstrip(b"=").translate(_STANDARD)
        return base64.b64decode(bare + b"=" * (-len(bare) % 4)).decode().encode()
    except (binascii.Error, UnicodeDecodeError):
        return b""


def _lines(headers: Mapping[str, str | SecretRef], but: Collection[str] = ()) -> bytes:
    """Return what the headers say, but for some."""
    said = (value for name, value in headers.items() if isinstance(value, str) and name.lower() not in but)
    return "\n".join(said).encode()


def _masked(content: bytes, found: Sequence[Finding]) -> bytes | None:
    """Return `content` with the kind of each finding in its place; None where it was JSON and would be none."""
    if not found:
        return content
    parts: list[bytes] = []
    at = 0
    for it in sorted(found):
        if it.start >= at:
            parts += [content[at : it.start], f"[{it.kind}]".encode()]
        at = max(at, it.end)
    masked = b"".join((*parts, content[at:]))
    return None if _is_json(content) and not _is_json(masked) else masked


def _is_json(body: bytes) -> bool:
    try:
        _: Any = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False
    return True


def _denied(mad: str, to: Target, kinds: Sequence[str]) -> Denied:
    what = ", ".join(kinds)
    return Denied(
        f"{to.door} is not sent this, for there is what looks like {what} in it; hand a secret over as a handle "
        f"(Secrets), or write in mads.toml what may leave: {mad} = {{ …, outgoing = {{ secrets = …, personal = … }} }}",
        rule=f"outgoing: {what}",
    )
