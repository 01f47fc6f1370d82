"""What a file is, by what it holds; its name is not asked, and its server only what kind of text it is."""

from __future__ import annotations

import io
import re
import zipfile
from contextlib import suppress
from importlib import import_module
from typing import Any

from mads.duos.marco.markup import visible

ACTIVE = frozenset(
    {"application/x-dosexec", "application/x-elf", "application/x-mach-binary", "application/java-archive"}
    | {"text/x-shellscript", "application/x-msdownload", "application/x-ms-shortcut", "application/x-msi"}
    | {"application/x-executable", "application/x-sharedlib", "application/vnd.microsoft.portable-executable"}
)
"""Kinds of files that do something when they are opened."""

_SIGNATURES = {
    b"%PDF-": "application/pdf",
    b"PK\x03\x04": "application/zip",
    b"MZ": "application/x-dosexec",
    b"\x7fELF": "application/x-elf",
    b"\xca\xfe\xba\xbe": "application/x-mach-binary",
    b"\xcf\xfa\xed\xfe": "application/x-mach-binary",
    b"#!": "text/x-shellscript",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"\x1f\x8b": "application/gzip",
}
_PARTS = {
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "META-INF/MANIFEST.MF": "application/java-archive",
}
_HTML = re.compile(rb"<\s*(!doctype\s+html|html|head|body|script|iframe|title|meta)\b", re.IGNORECASE)
_META = re.compile(rb"<\s*meta\b[^<>]*?charset\s*=\s*[\"']?\s*([\w-]{1,40})", re.IGNORECASE)
_FEED = re.compile(rb"<\s*(rss|feed|rdf:RDF|urlset|sitemapindex)\b")
_LOOKED_AT = 2_048


def kind(content: bytes, told: str = "") -> str:
    """Return the media type of `content`, which its server told is `told`; `application/octet-stream` where unknown."""
    for signature, found in _SIGNATURES.items():
        if content.startswith(signature):
            return _archived(content) if found == "application/zip" else found
    head = content[:_LOOKED_AT]
    if _FEED.search(head) or (head.lstrip().startswith(b"<?xml") and not _HTML.search(head)):
        return "application/xml"
    if _HTML.search(head):
        return "text/html"
    if is_text(content):
        return "text/html" if "html" in told else "text/plain"
    puremagic: Any = import_module("puremagic")  # it tells no types
    with suppress(puremagic.PureError, ValueError):
        return str(puremagic.from_string(content, mime=True)) or "application/octet-stream"
    return "application/octet-stream"


def disguises(content: bytes) -> tuple[str, ...]:
    """Return what else `content` could be taken for: what is two things at once is meant to deceive somebody."""
    first, head = kind(content), content[:_LOOKED_AT]
    others: list[str] = []
    if b"%PDF-" in head and first != "application/pdf":
        others.append("application/pdf")
    if first in ("application/pdf", "image/png", "image/jpeg", "image/gif"):
        if zipfile.is_zipfile(io.BytesIO(content)):
            others.append("application/zip")
        if _HTML.search(head):
            others.append("text/html")
    if first in ("text/html", "text/plain") and b"PK\x05\x06" in content[-65_600:]:
        others.append("application/zip")
    return tuple(others)


def text_of(content: bytes, charset: str = "") -> str:
    """Return text as it was meant: by its mark, its server's word, as UTF-8, by its own word, else as Windows-1252."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    with suppress(LookupError, UnicodeError):
        return content.decode(charset or "utf-8")
    with suppress(UnicodeDecodeError):
        return content.decode()
    if said := _META.search(content[:_LOOKED_AT]):
        with suppress(LookupError, UnicodeError):
            return content.decode(said[1].decode(), "replace")
    return content.decode("windows-1252", "replace")


def _archived(content: bytes) -> str:
    with suppress(zipfile.BadZipFile, ValueError, OSError), zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        with suppress(KeyError, NotImplementedError, RuntimeError):
            if "mimetype" in names and archive.getinfo("mimetype").file_size < _LOOKED_AT:
                return archive.read("mimetype").decode("ascii", "replace").strip()
        return next(
            (it for part, it in _PARTS.items() if any(name.startswith(part) for name in names)), "application/zip"
        )
    return "application/zip"


def is_text(content: bytes) -> bool:
    """Return whether `content` begins as text does."""
    head = content[:_LOOKED_AT]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if b"\0" in head:
        return False
    sample = head.decode("utf-8", "ignore")
    return len(sample.encode()) >= len(head) - 3 and all(
        it.isprintable() or it.isspace() or not visible(it) for it in sample
    )
