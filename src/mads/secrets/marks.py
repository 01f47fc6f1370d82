"""What secrets are known by in what goes out: keyed marks of each, as it is and in the encodings that are common.

A mark is the first 8 bytes of one form, encrypted with AES under a key of the store, the form's length, and a keyed
hash of all of it. To look for them, every run of 8 bytes of a text is encrypted at once, and compared.
"""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from struct import Struct
from urllib.parse import quote

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

LEAST = 8
"""Bytes below which a secret is not known again: what is that short is in every text."""

_BLOCK = 16
_PAD = bytes(_BLOCK - LEAST)
_MARK = Struct(f"<{_BLOCK}sI8s")


class Marker:
    """Makes marks under `key`, of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def marks(self, value: bytes) -> bytes:
        """Return the marks of a secret, one after the other; none where it is too short."""
        if len(value) < LEAST:
            return b""
        return b"".join(
            _MARK.pack(self._blocks(form[:LEAST] + _PAD), len(form), self._hash(form)) for form in sorted(forms(value))
        )

    def known(self, marked: Iterable[tuple[str, bytes]]) -> Known:
        """Return what knows secrets by their names and marks."""
        known: dict[bytes, list[tuple[int, bytes, str]]] = {}
        for name, marks in marked:
            for block, length, hashed in _MARK.iter_unpack(marks):
                known.setdefault(block, []).append((length, hashed, name))
        return Known(known, self._blocks, self._hash)

    def _blocks(self, blocks: bytes) -> bytes:
        # single blocks, each by itself, are what is wanted: equal ones have to stay equal
        encryptor = Cipher(algorithms.AES(self._key), modes.ECB()).encryptor()  # noqa: S305
        return encryptor.update(blocks) + encryptor.finalize()

    def _hash(self, form: bytes) -> bytes:
        return blake2b(form, key=self._key, digest_size=8).digest()


class Known:
    """Secrets, by what they are known by; `Marker.known` makes one."""

    def __init__(
        self,
        known: dict[bytes, list[tuple[int, bytes, str]]],
        blocks: Callable[[bytes], bytes],
        hashed: Callable[[bytes], bytes],
    ) -> None:
        self._known, self._blocks, self._hash = known, blocks, hashed

    def found(self, body: bytes) -> list[str]:
        """Return the names of the secrets that are in `body`, each once."""
        windows = len(body) - LEAST + 1
        if windows < 1 or not self._known:
            return []
        run = self._blocks(_PAD.join([body[at : at + LEAST] for at in range(windows)]) + _PAD)
        blocks = [run[at : at + _BLOCK] for at in range(0, len(run), _BLOCK)]
        if self._known.keys().isdisjoint(blocks):
            return []
        names = (name for at, block in enumerate(blocks) for name in self._named(body, at, block))
        return list(dict.fromkeys(names))

    def _named(self, body: bytes, at: int, block: bytes) -> Iterator[str]:
        for length, hashed, name in self._known.get(block, ()):
            form = body[at : at + length]
            if len(form) == length and self._hash(form) == hashed:
                yield name


def forms(value: bytes) -> set[bytes]:
    """Return the forms in which `value` may stand in a text."""
    forms = {value, value.hex().encode(), value.hex().upper().encode(), quote(value, safe="").encode()}
    for before in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            forms.add(_within(encode(bytes(before) + value), before, before + len(value)))
    try:
        text = value.decode()
    except UnicodeDecodeError:
        pass
    else:
        forms |= {json.dumps(text)[1:-1].encode(), json.dumps(text, ensure_ascii=False)[1:-1].encode()}
    return {form for form in forms if len(form) >= LEAST}


def _within(encoded: bytes, before: int, length: int) -> bytes:
    """Return the part of a base64 text that is the same whatever stands before and after what was encoded."""
    start = (0, 2, 3)[before]
    return encoded[start : length * 4 // 3]
