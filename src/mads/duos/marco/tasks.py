"""What workers do for Marco: whatever looks into what came from outside. Its libraries are loaded there alone."""
# ruff: noqa: PLC0415

from __future__ import annotations

from importlib.util import find_spec

from mads.duos.marco.copies import Copy
from mads.duos.marco.found import Download, Feed, Fetched, Page, Passages
from mads.wire.errors import ConfigError

LIBRARIES = ("protego", "puremagic", "pypdfium2", "selectolax", "trafilatura")


def require() -> None:
    """Raise `ConfigError` where a library is not installed."""
    if missing := [name for name in LIBRARIES if find_spec(name) is None]:
        raise ConfigError(f"marco needs {', '.join(missing)}; install what it reads with: pip install 'mads[web]'")


def fetched(copy: Copy, most: int) -> Fetched:
    """Return an answer as it came, where it is text."""
    from mads.duos.marco import reading

    return reading.fetched(copy, most)


def read(copy: Copy, most: int, *, article: bool) -> Page:
    """Return what a page or a document says."""
    from mads.duos.marco import reading

    return reading.read(copy, most, article=article)


def passages(copy: Copy, query: str, limit: int) -> Passages:
    """Return the passages that fit a query best."""
    from mads.duos.marco import reading

    return reading.passages(copy, query, limit)


def entries(copy: Copy) -> Feed:
    """Return what a feed or sitemap tells of."""
    from mads.duos.marco import reading

    return reading.entries(copy)


def file(folder: str, copy: Copy) -> Download:
    """Look at a file, and keep it."""
    from mads.duos.marco import files

    return files.keep(folder, copy.url, copy.body)
