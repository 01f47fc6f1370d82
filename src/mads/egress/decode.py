"""Bodies as they come from the network, decoded while they come, and never further than the limit."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator

from mads.egress.codings import BROTLI, PARTS, PIECE, ZSTD, Brotli, Decoder, Zstd, broken
from mads.wire.errors import Failed

ACCEPTED = ", ".join(("gzip", "deflate", *(("br",) if BROTLI else ()), *(("zstd",) if ZSTD else ())))
"""The encodings that can be decoded piece by piece, and are asked for."""


async def capped(chunks: AsyncIterator[bytes], encoding: str, limit: int, place: str) -> AsyncIterator[bytes]:
    """Yield the body that comes in `chunks`; raise `Failed` once it has more than `limit` bytes, or is broken."""
    decoder = _decoder(encoding, place)
    came = left = limit
    async for chunk in chunks:
        came -= len(chunk)  # what grows when it is decoded is as long before, and what shrinks is no less of a burden
        if came < 0:
            raise too_large(place, limit)
        if decoder is None:
            yield chunk
            continue
        for piece in decoder.pieces(chunk):
            left -= len(piece)
            if left < 0:
                raise too_large(place, limit)
            yield piece
    if decoder is not None and not decoder.complete:
        raise Failed(f"{place} broke off within its answer")


def too_large(place: str, limit: int) -> Failed:
    """Return what is raised of an answer of more than `limit` bytes."""
    return Failed(f"{place} answers with more than {limit} bytes; where that is expected, its `limit` may be raised")


def _decoder(encoding: str, place: str) -> Decoder | None:
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return _Inflating(place, zlib.MAX_WBITS | 16)
        case "deflate":
            return _Inflating(place, zlib.MAX_WBITS)
        case "br" if BROTLI:
            return Brotli(place)
        case "zstd" if ZSTD:
            return Zstd(place)
        case _:
            raise Failed(f"{place} answers in {encoding!r:.60}, which nobody asked for")


class _Inflating:
    """Decodes gzip, of several members maybe, and deflate with its header or without."""

    def __init__(self, place: str, bits: int) -> None:
        self._place, self._bits = place, bits
        self._inner = zlib.decompressobj(bits)
        self._began, self._left = False, PARTS

    @property
    def complete(self) -> bool:
        """Whether what was begun has come to its end."""
        return self._inner.eof or not self._began

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` holds, in pieces of at most `PIECE` bytes."""
        while data:
            if self._inner.eof:
                if self._bits == zlib.MAX_WBITS or not data.strip(b"\0"):
                    return  # what is put behind the end is no part of it
                self._inner, self._left = zlib.decompressobj(self._bits), self._left - 1
                if not self._left:
                    raise broken(self._place)
            piece, data = self._inflated(data), self._inner.unconsumed_tail or self._inner.unused_data
            if piece:
                yield piece
        while not self._inner.eof and (piece := self._inflated(b"")):
            yield piece

    def _inflated(self, data: bytes) -> bytes:
        try:
            piece = self._inner.decompress(data, PIECE)
        except zlib.error:
            if self._began or self._bits != zlib.MAX_WBITS:
                raise broken(self._place) from None
            self._inner, self._began = zlib.decompressobj(-zlib.MAX_WBITS), True
            return self._inflated(data)
        self._began = True
        return piece
