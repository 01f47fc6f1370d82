"""An envelope: a secret under a data key of its own, which is wrapped under another; whose it is, is bound in.

AES-256-GCM throughout, with a random nonce of 12 bytes before each ciphertext.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE, TAG, KEY = 12, 16, 32
"""Bytes of a nonce, of what a ciphertext is longer by, and of a key."""


class Changed(Exception):
    """The bytes are not those that were sealed, or not under this key, or not for this."""


def sealed(key: AESGCM, value: bytes | bytearray, about: bytes) -> bytes:
    """Return `value`, sealed under `key` for what it is `about`."""
    nonce = os.urandom(NONCE)
    return nonce + key.encrypt(nonce, value, about)


def opened(key: AESGCM, body: bytes, about: bytes) -> bytearray:
    """Return what was sealed, in a buffer that its holder overwrites after use; raise `Changed`."""
    if len(body) < NONCE + TAG:
        raise Changed
    value = bytearray(len(body) - NONCE - TAG)
    try:
        key.decrypt_into(body[:NONCE], memoryview(body)[NONCE:], about, value)
    except InvalidTag:
        raise Changed from None
    return value


def enclosed(key: AESGCM, value: bytes | bytearray, about: bytes) -> tuple[bytes, bytes]:
    """Return a new data key, wrapped under `key`, and `value` under that data key."""
    data_key = bytearray(os.urandom(KEY))
    try:
        return sealed(key, data_key, about), sealed(AESGCM(data_key), value, about)
    finally:
        wipe(data_key)


def disclosed(key: AESGCM, wrapped: bytes, body: bytes, about: bytes) -> bytearray:
    """Return what was enclosed; raise `Changed`."""
    data_key = opened(key, wrapped, about)
    try:
        return opened(AESGCM(data_key), body, about)
    finally:
        wipe(data_key)


def rewrapped(old: AESGCM, new: AESGCM, wrapped: bytes, about: bytes) -> bytes:
    """Return a data key, wrapped under `new` and no longer under `old`; raise `Changed`."""
    data_key = opened(old, wrapped, about)
    try:
        return sealed(new, data_key, about)
    finally:
        wipe(data_key)


def wipe(buffer: bytearray) -> None:
    """Overwrite `buffer`."""
    buffer[:] = bytes(len(buffer))
