"""From what a server sent to what a reader gets: runs in a process of its own, since all of it may be an attack."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from mads.duos.marco import archive, kind
from mads.duos.marco.copies import Copy
from mads.duos.marco.feed import feed
from mads.duos.marco.found import Feed, Fetched, Link, Page, Passages
from mads.duos.marco.markup import Markdown, markdown, shown
from mads.duos.marco.office import office
from mads.duos.marco.passages import best
from mads.duos.marco.pdf import pdf
from mads.upstream.scan import suspicions
from mads.wire.errors import InvalidMessage

LONGEST = 2_000_000
"""How many characters of a page are looked through."""

LINKS = 200
"""How many links of a page are returned."""


class Checked(NamedTuple):
    """What a file is, its hash, and what speaks against opening it."""

    media: str
    sha256: str
    faults: tuple[str, ...]


def fetched(copy: Copy, most: int) -> Fetched:
    """Return an answer as it came, where it is text."""
    media = kind.kind(copy.body, copy.told)
    text = kind.text_of(copy.body, copy.charset) if kind.is_text(copy.body) else ""
    return Fetched(copy.url, copy.status, media, text[:most], len(text) <= most)


def read(copy: Copy, most: int, *, article: bool) -> Page:
    """Return the first `most` characters of what `copy` says; of a page that is an article, the article alone."""
    media = kind.kind(copy.body, copy.told)
    page = _page(copy, media, most, article=article)
    links = tuple(Link(url, text) for url, text in list(page.links.items())[:LINKS])
    text = page.text[:most]
    return Page(copy.url, page.title, text, media, links, len(page.text) <= most, suspicions(text))


def passages(copy: Copy, query: str, limit: int) -> Passages:
    """Return the passages of `copy` that fit a query best."""
    page = read(copy, LONGEST, article=False)
    found = best(page.text, query, limit)
    return Passages(copy.url, page.title, tuple(found), suspicions("\n".join(it.text for it in found)))


def entries(copy: Copy) -> Feed:
    """Return what a feed or sitemap tells of."""
    return feed(copy.body, copy.url)


def check(content: bytes) -> Checked:
    """Look at a file that is to be kept."""
    media = kind.kind(content)
    faults = [f"it does something when it is opened ({media})"] if media in kind.ACTIVE else []
    faults += [f"it is {media}, and could be taken for {other}" for other in kind.disguises(content)]
    return Checked(media, hashlib.sha256(content).hexdigest(), (*faults, *archive.faults(content)))


def _page(copy: Copy, media: str, most: int, *, article: bool) -> Markdown:
    match media:
        case "text/html":
            html = kind.text_of(copy.body, copy.charset)
            page = markdown(html, copy.url)
            if article and not page.is_flat and (text := _article(html, copy.url)):
                page.text = text
            return page
        case "application/pdf":
            return Markdown(text=pdf(copy.body, most))
        case "application/xml":
            return _told(feed(copy.body, copy.url))
        case "text/plain":
            return Markdown(text=kind.text_of(copy.body, copy.charset))
        case _ if media.startswith(("application/vnd.openxmlformats-", "application/vnd.oasis.opendocument.")):
            return Markdown(text=office(copy.body))
        case _:
            raise InvalidMessage(f"a file of the kind {media} cannot be read as text; use `download`")


def _article(html: str, url: str) -> str:
    """Return the article in a page, without what stands around it; "" where there is none."""
    import trafilatura  # noqa: PLC0415  it takes half a second to load, and only who reads articles has to wait
    from trafilatura.settings import use_config  # noqa: PLC0415  as above

    settings = use_config()
    settings.set("DEFAULT", "MIN_EXTRACTED_SIZE", "0")  # else what is short comes without its marks
    return (
        trafilatura.extract(
            shown(html), url=url, output_format="markdown", include_links=True, include_tables=True, config=settings
        )
        or ""
    )


def _told(found: Feed) -> Markdown:
    lines = [f"- [{it.title or it.url}]({it.url}) {it.date}".rstrip() for it in found.entries]
    nested = [f"- <{url}>" for url in found.nested]
    return Markdown(found.title, "\n".join(lines + nested), {it.url: it.title or it.url for it in found.entries})
