"""RSS, Atom and sitemaps: the addresses that a site tells of, and what it says of each."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from mads.duos.marco.found import Entry, Feed
from mads.duos.marco.markup import address, markdown
from mads.duos.marco.xml import name, text, tree
from mads.wire.errors import InvalidMessage

MOST = 1_000
"""How many entries of one document are returned."""

_DATES = ("published", "pubDate", "date", "updated", "lastmod")


def feed(source: bytes, base: str) -> Feed:
    """Return what stands in a feed or sitemap; raise `InvalidMessage` where it is neither."""
    root = tree(source)
    match name(root):
        case "rss" | "RDF" | "feed":
            return _feed(root, base)
        case "urlset" | "sitemapindex":
            return _sitemap(root, base)
        case other:
            raise InvalidMessage(f"this is neither a feed nor a sitemap: it begins with {other!r}; use `read`")


def _feed(root: Element, base: str) -> Feed:
    channel = next((it for it in root if name(it) == "channel"), root)
    entries = [_entry(it, base) for it in root.iter() if name(it) in ("item", "entry")]
    entries = [entry for entry in entries if entry.url]
    return Feed(_said(channel, "title"), tuple(entries[:MOST]), more=len(entries) > MOST)


def _entry(item: Element, base: str) -> Entry:
    summary = _said(item, "summary", "description", "encoded", "content")
    return Entry(
        url=next(_links(item, base), ""),
        title=_said(item, "title"),
        date=_said(item, *_DATES),
        summary=markdown(summary, base).text[:2_000],
    )


def _links(item: Element, base: str) -> Iterator[str]:
    """Iterate over where an entry leads, the page itself before what goes with it."""
    links = [it for it in item if name(it) == "link"]
    for link in sorted(links, key=lambda it: it.get("rel", "alternate") != "alternate"):
        if where := address(base, link.get("href") or text(link)):
            yield where
    if where := address(base, _said(item, "guid", "id")):
        yield where


def _sitemap(root: Element, base: str) -> Feed:
    found = [(name(it), address(base, _said(it, "loc")), _said(it, "lastmod")) for it in root]
    entries = [Entry(where, date=date) for kind, where, date in found if kind == "url" and where]
    nested = [where for kind, where, _ in found if kind == "sitemap" and where]
    return Feed("", tuple(entries[:MOST]), tuple(nested[:MOST]), more=len(entries) + len(nested) > MOST)


def _said(element: Element, *names: str) -> str:
    """Return the text of the first child of one of these names that says anything, the names in their order."""
    texts = {name(child): text(child).strip() for child in reversed(element)}
    return next((texts[it] for it in names if texts.get(it)), "")
