"""API keys: how one is written, and the ring of those that are known here.

A key is `mads_`, its number, `_`, 43 characters of secret (256 random bits) and 6 of checksum, so that a scanner
recognises one that leaked and its owner knows which to revoke. Only SHA-256 of the secret is kept: against guessing 256
random bits a slow hash adds nothing but a way to keep the gateway busy.
"""

from __future__ import annotations

import re
import secrets
import string
import time
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from zlib import crc32

from mads.guard.credential import Grant, Unverified
from mads.guard.principals import DEVELOPER
from mads.store.keys.port import Key
from mads.wire.call import Identity

PREFIX = "mads_"
"""What every key begins with, and no token."""

Ended = Callable[[str, float], None]
"""Told of the `owner` of grants that end earlier than they said, and when: in seconds since 1970."""

_SIGNS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET, _CHECKSUM = 43, 6
_PLACES = [len(_SIGNS) ** place for place in reversed(range(_CHECKSUM))]
FORM = re.compile(rf"{PREFIX}([1-9][0-9]{{0,17}})_([0-9A-Za-z]{{{_SECRET}}})([0-9A-Za-z]{{{_CHECKSUM}}})")
"""What a key looks like: its number, its secret and its checksum."""


def new_secret() -> tuple[str, bytes]:
    """Return a secret and the digest that is kept of it."""
    secret = "".join(secrets.choice(_SIGNS) for _ in range(_SECRET))
    return secret, _digest(secret)


def written(key: int, secret: str) -> str:
    """Return the key of that number as its owner gets it, once."""
    return f"{PREFIX}{key}_{secret}{_checksum(str(key), secret)}"


class KeyRing:
    """The keys that are known here, in memory: what is put is what counts from the next request on."""

    def __init__(self) -> None:
        self._keys: dict[int, tuple[bytes, bool, Grant]] = {}
        self._checksums: dict[str, str] = {}  # of keys that were shown once: to compute one takes as long as the rest
        self._watchers: list[Ended] = []

    def watch(self, ended: Ended) -> None:
        """Call `ended` from now on whenever grants end earlier than they said."""
        self._watchers.append(ended)

    def put(self, key: Key) -> None:
        """Know `key` as it now is."""
        terms = key.terms
        identity = Identity(terms.principal, terms.tenant, roles=terms.roles or (DEVELOPER,), scopes=terms.scopes)
        ends = None if terms.expires is None else terms.expires / 1000
        grant = Grant(identity, f"key:{key.id}", ends)
        known = self._keys.get(key.id)
        self._keys[key.id] = (key.digest, key.revoked is not None, grant)
        if key.revoked is not None:
            ends = time.time()
        if known is not None and ends is not None:
            for ended in self._watchers:
                ended(grant.owner, ends)

    def grant(self, written: str) -> Grant:
        """Return what a key grants; raise `Unverified` where it is none, is not known, was revoked or has expired."""
        match = FORM.fullmatch(written)
        if match is None:
            raise Unverified("the API key is not written as one; was it cut?")
        number, secret, checksum = match.groups()
        digest, revoked, grant = self._keys.get(int(number), _UNKNOWN)
        known = compare_digest(digest, _digest(secret))
        if not known or self._checksums.get(number) != checksum:
            if checksum != _checksum(number, secret):
                raise Unverified("the API key is mistyped: its checksum does not fit")
            if not known:
                raise Unverified("the API key is not known here")
            self._checksums[number] = checksum
        if revoked:
            raise Unverified("the API key was revoked")
        if grant.expires is not None and grant.expires <= time.time():
            raise Unverified("the API key has expired")
        return grant


_UNKNOWN = (bytes(32), True, Grant(Identity(""), ""))
"""What a key is compared with that is not there: no secret has this digest, and the comparison takes as long."""


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def _checksum(number: str, secret: str) -> str:
    left = crc32(f"{PREFIX}{number}_{secret}".encode())
    return "".join([_SIGNS[left // place % len(_SIGNS)] for place in _PLACES])
