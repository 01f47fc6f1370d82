"""XML that cannot be turned against its parser: no declarations of its own, nothing from elsewhere, not too deep."""

from __future__ import annotations

from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from mads.wire.errors import InvalidMessage

DEEPEST = 200
"""How many elements may stand in each other."""


def tree(source: bytes) -> Element:
    """Return the root of a document; raise `InvalidMessage` where it is none, or could be an attack."""
    parser = XMLParser(target=_Builder())  # noqa: S314  it opens nothing, and the builder takes no entities
    try:
        parser.feed(source)
        root: Element = parser.close()
    except (ParseError, ValueError, LookupError) as error:  # the last two speak of encodings that it does not know
        raise InvalidMessage(f"this is no XML: {error}") from None
    return root


def name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def text(element: Element) -> str:
    """Return all the text in an element, in order."""
    return "".join(element.itertext())


class _Builder(TreeBuilder):
    """Builds a tree, and refuses the document as soon as it sees what could be an attack."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def doctype(self, name: str, *_: str | None) -> NoReturn:
        """Refuse: a document type names files, and entities that grow."""
        raise InvalidMessage(
            f"this XML declares the document type {name!r:.80}, which could name files; it is not read"
        )

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        """Begin an element."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise InvalidMessage(f"this XML is nested more than {DEEPEST} deep; it is not read")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        """End an element."""
        self._depth -= 1
        return super().end(tag)
