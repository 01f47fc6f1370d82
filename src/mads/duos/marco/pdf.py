"""The text of a PDF, page by page."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mads.duos.marco.markup import visible
from mads.wire.errors import InvalidMessage

MOST = 500
"""How many pages are read."""


def pdf(content: bytes, most: int) -> str:
    """Return what a document says, about `most` characters of it at most; pictures of text say nothing."""
    pypdfium2: Any = import_module("pypdfium2")  # it tells no types
    try:
        return _text(pypdfium2.PdfDocument(content), most)
    except pypdfium2.PdfiumError as error:
        raise InvalidMessage(f"this PDF cannot be read: {error}") from None


def _text(document: Any, most: int) -> str:
    pages: list[str] = []
    taken = 0
    for number in range(min(len(document), MOST)):
        said = visible(document[number].get_textpage().get_text_range()).replace("\r\n", "\n").strip()
        if said:
            pages.append(f"## Page {number + 1}\n\n{said}")
            taken += len(said)
        if taken > most:
            break
    return "\n\n".join(pages)
