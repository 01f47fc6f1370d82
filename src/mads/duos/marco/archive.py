"""What may be in an archive: nothing that leaves its folder, leads elsewhere, or is far larger than it looks."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import PurePosixPath, PureWindowsPath
from typing import NamedTuple

from mads.wire.errors import InvalidMessage

MOST = 2_000
"""How many entries an archive may have."""

LARGEST = 200_000_000
"""Bytes that its entries may have together once they are unpacked."""

RATIO, SMALL = 200, 1_000_000
"""How many times the size of the archive that may be, where it is more than so many bytes."""


_COMPRESSED: dict[bytes, Callable[[io.BytesIO], gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}


class Member(NamedTuple):
    """One entry of an archive, as it says of itself."""

    path: str
    size: int
    leads: str = ""


def faults(content: bytes) -> tuple[str, ...]:
    """Return what speaks against unpacking an archive; nothing where it is no archive."""
    try:
        members = list(_members(content))
    except InvalidMessage as error:
        return (str(error),)
    found = [fault for member in members[:MOST] if (fault := _fault(member))]
    total = sum(member.size for member in members)
    if len(members) > MOST:
        found.append(f"it has more than {MOST:,} entries")
    if total > LARGEST or (total > SMALL and total > RATIO * len(content)):
        found.append(f"it would unpack to {total:,} bytes")
    paths = [member.path for member in members]
    if len(set(paths)) < len(paths):
        found.append("it holds a path more than once, so what is checked need not be what is unpacked")
    return tuple(dict.fromkeys(found))


def unpacked(content: bytes, path: str, limit: int = LARGEST) -> bytes:
    """Return one entry of a zip archive; raise `InvalidMessage` where it is larger than `limit` bytes, or not there."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(path) as entry:
            found = entry.read(limit + 1)
    except (KeyError, OSError, RuntimeError, NotImplementedError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidMessage(f"{path!r} cannot be unpacked: {error}") from None
    if len(found) > limit:
        raise InvalidMessage(f"{path!r} is larger than {limit:,} bytes once it is unpacked")
    return found


def _members(content: bytes) -> Iterator[Member]:
    """Iterate over the entries, by what the archive says; at most one more than there may be."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist()[: MOST + 1]:
                is_link = stat.S_ISLNK(entry.external_attr >> 16)
                yield Member(entry.filename, entry.file_size, "elsewhere" if is_link else "")
            return
        raise InvalidMessage("it is a zip archive that cannot be read")
    with suppress(tarfile.TarError), tarfile.open(fileobj=io.BytesIO(_inflated(content)), mode="r:") as archive:
        for member in islice(archive, MOST + 1):
            yield Member(member.name, member.size, "" if member.isfile() or member.isdir() else "elsewhere")


def _inflated(content: bytes) -> bytes:
    """Return what one compressed file holds, or `content` where it is none."""
    opener = next((opener for magic, opener in _COMPRESSED.items() if content.startswith(magic)), None)
    if opener is None:
        return content
    try:
        inner = opener(io.BytesIO(content)).read(LARGEST + 1)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise InvalidMessage(f"it is compressed, and cannot be read: {error}") from None
    if len(inner) > LARGEST or (len(inner) > SMALL and len(inner) > RATIO * len(content)):
        raise InvalidMessage(f"{len(content):,} bytes would unpack to {len(inner):,} bytes or more")
    return inner


def _fault(member: Member) -> str:
    posix, windows = PurePosixPath(member.path), PureWindowsPath(member.path)
    if posix.is_absolute() or windows.drive or windows.root or ".." in (*posix.parts, *windows.parts):
        return f"{member.path!r:.80} would be unpacked outside of its folder"
    if "\0" in member.path or not member.path.isprintable():
        return f"{member.path!r:.80} holds characters that nobody sees"
    if member.leads:
        return f"{member.path!r:.80} is a link or a device"
    return ""
