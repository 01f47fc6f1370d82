"""Documents of an office to Markdown: what is written in a text, a table of figures, or on slides."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from mads.duos.marco.archive import faults, unpacked
from mads.duos.marco.grid import grid
from mads.duos.marco.xml import name, tree
from mads.wire.errors import InvalidMessage

PART = 50_000_000
"""Bytes that one part of a document may have once it is unpacked."""

GAP = 100
"""How many cells may be left out between two."""

OPEN = "{urn:oasis:names:tc:opendocument"
"""How the names of the open formats begin, in which text stands beside elements; in the others it has its own."""

_HEADING = re.compile(r"heading\s*([1-6])", re.IGNORECASE)
_CELL = re.compile(r"([A-Z]{1,3})\d+")


def office(content: bytes) -> str:
    """Return what a document of the kinds docx, xlsx, pptx, odt, ods, odp says."""
    if wrong := faults(content):
        raise InvalidMessage(f"this document is not opened: {'; '.join(wrong)}")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.namelist()
    slides = sorted((it for it in parts if re.fullmatch(r"ppt/slides/slide\d+\.xml", it)), key=_number)
    if "xl/workbook.xml" in parts:
        blocks = _sheets(content, parts)
    elif slides:
        blocks = (block for number, it in enumerate(slides, 1) for block in _slide(number, _part(content, it)))
    elif told := [it for it in ("word/document.xml", "content.xml") if it in parts]:
        blocks = _written(_part(content, told[0]))
    else:
        raise InvalidMessage("this archive is no document that is known: docx, xlsx, pptx, odt, ods or odp")
    return "\n\n".join(blocks)


def _part(content: bytes, path: str) -> Element:
    return tree(unpacked(content, path, PART))


def _number(path: str) -> int:
    return int(re.sub(r"\D", "", path))


def _written(element: Element) -> Iterator[str]:
    """Iterate over paragraphs and tables, each where it stands."""
    for part in element:
        match name(part):
            case "tbl" | "table":
                yield from grid(list(_rows(part)))
            case "p" | "h":
                yield from _paragraph(part)
            case _:
                yield from _written(part)


def _rows(table: Element) -> Iterator[list[str]]:
    for row in table.iter():
        if name(row) in ("tr", "table-row"):
            yield [" ".join(_said(cell).split()) for cell in row if name(cell) in ("tc", "table-cell")]


def _paragraph(element: Element) -> Iterator[str]:
    if said := _said(element).strip():
        styles = [str(value) for it in element.iter() if name(it) == "pStyle" for value in it.attrib.values()]
        styles += [f"heading {value}" for key, value in element.attrib.items() if key.endswith("outline-level")]
        level = next((int(found[1]) for style in styles if (found := _HEADING.search(style))), 0)
        yield f"{'#' * level} {said}".strip()


def _said(element: Element) -> str:
    """Return the text of a paragraph or a cell; what was struck out in an edit is not part of it."""
    if element.tag.startswith(OPEN):
        return " ".join(element.itertext()) if name(element) == "table-cell" else "".join(element.itertext())
    said: list[str] = []
    for part in element.iter():
        match name(part):
            case "t":
                said.append(part.text or "")
            case "tab" | "br" | "p":
                said.append(" ")
            case _:
                pass
    return "".join(said)


def _sheets(content: bytes, parts: list[str]) -> Iterator[str]:
    shared: list[str] = []
    if "xl/sharedStrings.xml" in parts:
        shared = [_said(each) for each in _part(content, "xl/sharedStrings.xml")]
    names = [str(it.get("name")) for it in _part(content, "xl/workbook.xml").iter() if name(it) == "sheet"]
    sheets = sorted((it for it in parts if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", it)), key=_number)
    for number, path in enumerate(sheets):
        yield f"## {names[number] if number < len(names) else path}"
        yield from grid([_cells(row, shared) for row in _part(content, path).iter() if name(row) == "row"])


def _cells(row: Element, shared: list[str]) -> list[str]:
    cells: list[str] = []
    for cell in row:
        if at := _CELL.fullmatch(cell.get("r") or ""):
            cells += [""] * min(_column(at[1]) - len(cells), GAP)
        said = next((it.text or "" for it in cell.iter() if name(it) in ("v", "t")), "")
        is_shared = cell.get("t") == "s" and said.isdecimal() and int(said) < len(shared)
        cells.append(shared[int(said)] if is_shared else said)
    return cells


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _slide(number: int, root: Element) -> Iterator[str]:
    yield f"## Slide {number}"
    yield from (said for it in root.iter() if name(it) == "p" and (said := _said(it).strip()))
