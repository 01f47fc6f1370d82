"""Brotli and zstd, decoded piece by piece, where `mads[web]` has installed what can."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from mads.wire.errors import Failed

PIECE = 64 * 1024
"""Bytes that a piece of a decoded body has at most."""

PARTS = 1000
"""Of how many parts that stand alone a body may be; an honest one is of a few, and each costs something to begin."""

WINDOW = 23
"""The binary logarithm of how many bytes zstd may look back, as RFC 9659 bounds it; brotli never has over 16 MB."""

_ZSTD = ("compression" if sys.version_info >= (3, 14) else "backports", "zstd")
BROTLI = find_spec("brotli") is not None
ZSTD = find_spec(_ZSTD[0]) is not None and find_spec(".".join(_ZSTD)) is not None


class Decoder(Protocol):
    """What decodes a body while it comes."""

    @property
    def complete(self) -> bool:
        """Whether what was begun has come to its end."""
        ...

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` holds, in pieces of at most `PIECE` bytes; raise `Failed` where that is nothing."""
        ...


def broken(place: str) -> Failed:
    """Return what is raised of a body that is not what it says."""
    return Failed(f"{place} answers with a body that cannot be decoded")


class Brotli:
    """Decodes brotli."""

    def __init__(self, place: str) -> None:
        self._place, self._library = place, import_module("brotli")
        self._inner: Any = self._library.Decompressor()
        self._began = False

    @property
    def complete(self) -> bool:
        """Whether what was begun has come to its end."""
        return not self._began or self._inner.is_finished()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` holds."""
        self._began = self._began or bool(data)
        while data or not (self._inner.can_accept_more_data() or self._inner.is_finished()):
            try:
                piece = self._inner.process(data, output_buffer_limit=PIECE)
            except self._library.error:
                raise broken(self._place) from None
            data = b""
            yield from _cut(piece)


class Zstd:
    """Decodes zstd, of several frames maybe."""

    def __init__(self, place: str) -> None:
        self._place, self._library = place, import_module(".".join(_ZSTD))
        self._inner: Any = self._new()
        self._began, self._left = False, PARTS

    @property
    def complete(self) -> bool:
        """Whether what was begun has come to its end."""
        return not self._began or self._inner.eof

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` holds."""
        self._began = self._began or bool(data)
        while data or not (self._inner.needs_input or self._inner.eof):
            if self._inner.eof:
                self._inner, self._left = self._new(), self._left - 1
                if not self._left:
                    raise broken(self._place)
            try:
                piece = self._inner.decompress(data, PIECE)
            except self._library.ZstdError:
                raise broken(self._place) from None
            data = self._inner.unused_data if self._inner.eof else b""
            yield from _cut(piece)

    def _new(self) -> Any:
        most = {self._library.DecompressionParameter.window_log_max: WINDOW}
        return self._library.ZstdDecompressor(options=most)


def _cut(piece: bytes) -> Iterator[bytes]:
    """Yield `piece` in parts that are not too long: a library may round its limit up."""
    for start in range(0, len(piece), PIECE):
        yield piece[start : start + PIECE]
