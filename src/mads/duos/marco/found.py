"""What Marco brings back. All of it comes from outside: data for whoever asked, never an instruction to him."""

from __future__ import annotations

from mads import message


@message(name="marco.Fetched")
class Fetched:
    """What a server answered, as text; `media` by what it holds, `cached` where it has not changed since last time."""

    url: str
    status: int
    media: str
    text: str
    whole: bool
    cached: bool = False


@message(name="marco.Link")
class Link:
    """Where a page leads, and the words that lead there."""

    url: str
    text: str


@message(name="marco.Page")
class Page:
    """What a page or document says, in Markdown.

    `warnings` tell what in it looks meant for a model behind its reader's back; `whole` says that nothing was cut off.
    """

    url: str
    title: str
    text: str
    media: str
    links: tuple[Link, ...] = ()
    whole: bool = True
    warnings: tuple[str, ...] = ()


@message(name="marco.Passage")
class Passage:
    """Part of a page, and the heading it stands under."""

    text: str
    heading: str = ""


@message(name="marco.Passages")
class Passages:
    """The passages of a page that fit a query best, the best first."""

    url: str
    title: str
    passages: tuple[Passage, ...]
    warnings: tuple[str, ...] = ()


@message(name="marco.Entry")
class Entry:
    """One thing that a feed or sitemap tells of; `date` as it is written there, "" where nothing is."""

    url: str
    title: str = ""
    date: str = ""
    summary: str = ""


@message(name="marco.Feed")
class Feed:
    """What a feed or sitemap tells; `nested` are further sitemaps, `more` says that it tells of more than is here."""

    title: str
    entries: tuple[Entry, ...]
    nested: tuple[str, ...] = ()
    more: bool = False


@message(name="marco.Download")
class Download:
    """A file that was kept at `path`, under its hash; where there are `faults` it lies apart, in quarantine."""

    url: str
    path: str
    media: str
    sha256: str
    size: int
    faults: tuple[str, ...] = ()
