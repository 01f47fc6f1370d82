"""Regular expressions that take time in proportion to what they are matched against, whoever wrote that."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Protocol

_RE2: Any = import_module("re2")  # it has no types


class Match(Protocol):
    """Where a pattern was found; as `re.Match`."""

    def __getitem__(self, group: int, /) -> bytes: ...
    def span(self, group: int = 0, /) -> tuple[int, int]:
        """Return the start and the end of a group."""
        ...


class Pattern(Protocol):
    """A pattern for bytes, each a character; as `re.Pattern`."""

    def search(self, text: bytes, pos: int = 0, /) -> Match | None:
        """Return the first match from `pos` on."""
        ...

    def fullmatch(self, text: bytes, /) -> Match | None:
        """Return the match of all of `text`."""
        ...

    def findall(self, text: bytes, /) -> list[bytes]:
        """Return all that matches a pattern without groups."""
        ...

    def finditer(self, text: bytes, /) -> Iterator[Match]:
        """Iterate over the matches."""
        ...


def compiled(pattern: str) -> Pattern:
    """Return `pattern`, in the syntax of RE2."""
    options = _RE2.Options()
    options.encoding = _RE2.Options.Encoding.LATIN1
    options.log_errors = False
    made: Pattern = _RE2.compile(pattern.encode("latin-1"), options)
    return made


def either(words: list[bytes]) -> Pattern:
    """Return what matches any of `words`, in letters of any size; of several at one place the first."""
    return compiled("(?i)" + "|".join(_RE2.escape(word.decode("latin-1")) for word in words))
