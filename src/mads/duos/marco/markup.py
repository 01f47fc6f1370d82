"""HTML to Markdown: what a reader of the page would see, and nothing that is hidden from him."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from mads.duos.marco.grid import grid

DEEPEST, ATTRIBUTES = 200, 2000
"""How many elements may stand in each other, and attributes in one: of a page with more the bare text is returned."""

UNSEEN = frozenset(
    {"audio", "button", "canvas", "datalist", "dialog", "embed", "form", "head", "iframe", "input", "math", "meta"}
    | {"noembed", "noframes", "noscript", "object", "option", "param", "script", "select", "style", "svg", "template"}
    | {"textarea", "title", "video"}
)
"""Elements that say nothing to a reader; what looks like a form is for a person at a browser."""

_LEFT = frozenset({"form", "head", "meta", "title"})
"""Those of them that whoever reads HTML by himself is left: some pages are one form."""

BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset"}
    | {
        "figcaption",
        "figure",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "li",
        "main",
        "nav",
    }
    | {"ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"}
)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_ENDED = frozenset({"p", "li", "dt", "dd", "tr", "td", "th", "option", "thead", "tbody", "tfoot"})
"""Elements that the next of their kind ends, so that they do not nest where nobody closes them."""

QUOTED = frozenset({"blockquote", "h1", "h2", "h3", "h4", "h5", "h6"})
"""Elements whose text is marked as a whole."""

_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`", "kbd": "`", "samp": "`"}
"""What stands on both sides of the text of an element."""

_OPEN = re.compile(r"<[a-zA-Z](?>[^>=]+|=\s*\"[^\"]*\"|=\s*'[^']*'|=)*+")
_VALUE = re.compile(r"=\s*(?:\"[^\"]*\"|'[^']*')")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>]*>")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(hidden|collapse)|opacity\s*:\s*0?\.?0+\s*(;|!|$)|font-size\s*:\s*0*\.?0+\s*(px|em|"
    r"pt|rem|%)?\s*(;|!|$)|text-indent\s*:\s*-\d{3,}|(left|top)\s*:\s*-\d{3,}|clip\s*:\s*rect\(\s*0",
    re.IGNORECASE,
)
_INVISIBLE = re.compile(
    "[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


@dataclass
class Markdown:
    """A page as text, its title, and where its links lead, each address once."""

    title: str = ""
    text: str = ""
    links: dict[str, str] = field(default_factory=dict[str, str])
    is_flat: bool = False


def visible(text: str) -> str:
    """Return `text` without the characters that no reader sees and a model may."""
    return _INVISIBLE.sub("", text)


def markdown(html: str, base: str) -> Markdown:
    """Return what a page says; its links are made whole by `base`, the address it came from."""
    if _depth(html) > DEEPEST or _attributes(html) > ATTRIBUTES:
        return Markdown(text=_flat(html), is_flat=True)
    tree = LexborHTMLParser(html)
    title = tree.css_first("title")
    page = Markdown(title=_SPACE.sub(" ", visible(title.text())).strip() if title else "")
    if (at := tree.css_first("base[href]")) and (href := at.attributes.get("href")):
        base = urljoin(base, href)
    if tree.body is not None:
        page.text = "\n\n".join(_Writer(base, page.links).blocks(tree.body))
    return page


def shown(html: str) -> str:
    """Return a page without what is hidden from its reader, for whoever reads HTML and does not look at that."""
    tree = LexborHTMLParser(html)
    for node in tree.css(f"[style], [hidden], [aria-hidden=true], {', '.join(sorted(UNSEEN - _LEFT))}"):
        if node.tag not in ("html", "body") and _hidden(node):
            node.decompose()
    return visible(tree.html or "")


class _Writer:
    """Writes the elements of one page."""

    def __init__(self, base: str, links: dict[str, str]) -> None:
        self._base, self._links = base, links

    def blocks(self, node: LexborNode) -> list[str]:
        """Return the paragraphs, lists, tables and so on that stand in `node`."""
        blocks: list[str] = []
        line: list[str] = []

        def end() -> None:
            if text := "".join(line).strip():
                blocks.append(re.sub(r" *\n *", "\n", text))
            line.clear()

        for child in node.iter(include_text=True):
            if child.is_text_node or child.tag not in BLOCKS:
                if not child.is_text_node and not _hidden(child) and _holds_block(child):
                    end()
                    blocks += self.blocks(child)
                    self._link(child, _SPACE.sub(" ", visible(child.text())))
                else:
                    line.append(self._inline(child))
            elif not _hidden(child):
                end()
                blocks += self._block(child)
        end()
        return blocks

    def _block(self, node: LexborNode) -> list[str]:
        tag = node.tag or ""
        if tag == "pre":
            text = visible(node.text()).strip("\n")
            fence = "~~~" if "```" in text else "```"
            return [f"{fence}\n{text}\n{fence}"] if text.strip() else []
        if tag in ("ul", "ol"):
            return self._list(node, ordered=tag == "ol")
        if tag == "table":
            return grid([[" ".join(self.blocks(cell)) for cell in _seen(row)] for row in _rows(node)])
        inner = ["---"] if tag == "hr" else self.blocks(node)
        if not inner or tag not in QUOTED:
            return inner
        if tag == "blockquote":
            return ["\n".join(f"> {line}".rstrip() for line in "\n\n".join(inner).split("\n"))]
        return [f"{'#' * int(tag[1])} {' '.join(inner)}".replace("\n", " ")]

    def _list(self, node: LexborNode, *, ordered: bool) -> list[str]:
        items: list[str] = []
        for child in _seen(node):
            if inner := self.blocks(child):
                mark = f"{len(items) + 1}. " if ordered else "- "
                text = "\n".join(inner) if all("\n" not in it for it in inner) else "\n\n".join(inner)
                items.append(mark + text.replace("\n", "\n" + " " * len(mark)))
        return ["\n".join(items)] if items else []

    def _inline(self, node: LexborNode) -> str:
        if node.is_text_node:
            return _SPACE.sub(" ", visible(node.text(deep=False)))
        if _hidden(node):
            return ""
        if node.tag == "br":
            return "\n"
        if node.tag == "img":
            return visible(node.attributes.get("alt") or "")
        inner = "".join(self._inline(child) for child in node.iter(include_text=True))
        mark = _MARKS.get(node.tag or "")
        if mark and inner.strip():
            return f"{mark}{inner.strip()}{mark}"
        return self._link(node, inner) if node.tag == "a" else inner

    def _link(self, node: LexborNode, inner: str) -> str:
        """Return what stands for a link with the text `inner`, and remember where it leads."""
        text, href = inner.strip(), address(self._base, node.attributes.get("href") or "")
        if not text or not href:
            return inner
        self._links.setdefault(href, text)
        return f"[{text}]({href})"


def address(base: str, href: str) -> str:
    """Return where `href` leads from `base`; "" where that is no page of the web."""
    try:
        whole = urlsplit(urljoin(base, href.strip()))
    except ValueError:
        return ""
    if whole.scheme not in ("http", "https") or not whole.hostname:
        return ""
    return re.sub(r"[\s()<>]", lambda found: f"%{ord(found[0]):02X}", whole._replace(fragment="").geturl())


def _hidden(node: LexborNode) -> bool:
    if node.tag in UNSEEN or node.is_comment_node:
        return True
    said = node.attributes
    return "hidden" in said or said.get("aria-hidden") == "true" or bool(_HIDDEN.search(said.get("style") or ""))


def _seen(node: LexborNode) -> Iterator[LexborNode]:
    return (child for child in node.iter() if not _hidden(child))


def _rows(table: LexborNode) -> Iterator[LexborNode]:
    """Iterate over the rows of a table, not those of tables that stand in it."""
    for part in _seen(table):
        yield from [part] if part.tag == "tr" else (row for row in _seen(part) if row.tag == "tr")


def _holds_block(node: LexborNode) -> bool:
    return any(inner.tag in BLOCKS for inner in node.traverse())


def _depth(html: str) -> int:
    """Return how deep elements stand in each other at most, as the tags have it."""
    depth = deepest = 0
    for ends, written in _TAG.findall(html):
        tag = written.lower()
        if tag not in _VOID and tag not in _ENDED:
            depth = max(0, depth - 1) if ends else depth + 1
            deepest = max(deepest, depth)
    return deepest


def _attributes(html: str) -> int:
    """Return how many attributes one element has at most: each costs its parser as much as all before it."""
    most = 0
    for part in _unscripted(html):
        tags = (tag[0] for tag in _OPEN.finditer(part) if tag.end() - tag.start() > 2 * ATTRIBUTES)
        most = max(most, *(len(_VALUE.sub(" ", tag).replace("/", " ").split()) for tag in tags), 0)
    return most


def _unscripted(html: str) -> Iterator[str]:
    """Yield what stands around scripts and styles, in which nothing is a tag."""
    names, at = html.lower(), 0
    for begins in re.finditer(r"<(script|style)\b", names):
        if begins.start() < at:
            continue
        yield html[at : begins.start()]
        ends = names.find(f"</{begins[1]}", begins.end())
        if ends < 0:
            return
        at = ends
    yield html[at:]


def _flat(html: str) -> str:
    """Return the text between the tags, for a page that nobody could read but a program; takes linear time."""
    shown, *rest = html.split("<!--")
    html = shown + " ".join(part.partition("-->")[2] for part in rest)
    lines: list[str] = []
    within = ""
    for piece in re.split(r"(<[^<>]*>)", html):
        if tag := _TAG.fullmatch(piece):
            ends, name = tag[1], tag[2].lower()
            if name in UNSEEN and not within and not ends:
                within = name
            elif ends and name == within:
                within = ""
        elif not within and (text := _SPACE.sub(" ", visible(piece)).strip()):
            lines.append(text)
    return "\n".join(lines)
