"""An expression as the words that it is made of."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from msgspec import Struct

from mads.wire.errors import UsageError

LONGEST = 4_000
"""How many characters an expression may have."""

_WORD = re.compile(
    r"""\s*(?:
    (?P<double>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)
    |(?P<int>0x[0-9a-fA-F]+|\d+)[uU]?
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<name>[A-Za-z_]\w*)
    |(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]{}])
    )""",
    re.VERBOSE | re.ASCII,
)


class Word(Struct, frozen=True):
    """A word of an expression: its kind (int, double, string, name, sign, end), its text, and where it stands."""

    kind: str
    text: str
    at: int


def words(source: str) -> Iterator[Word]:
    """Yield the words of `source`, then one of the kind `end`; raise `UsageError` where it has none."""
    if len(source) > LONGEST:
        raise UsageError(f"the condition has {len(source)} characters; {LONGEST} are allowed")
    at = 0
    end = len(source.rstrip())
    while at < end:
        found = _WORD.match(source, at)
        if found is None:
            at += len(source[at:]) - len(source[at:].lstrip())
            raise mistake(source, at, f"{source[at]!r} is no part of CEL")
        kind = str(found.lastgroup)
        yield Word(kind, found[kind], found.start(kind))
        at = found.end()
    yield Word("end", "", end)


def text_of(source: str, word: Word) -> str:
    """Return the text that a literal stands for; its escapes are those of Python, which has all of CEL's."""
    try:
        text: str = ast.literal_eval(word.text)
    except (SyntaxError, ValueError):
        raise mistake(source, word.at, "the text has an escape that there is not") from None
    return text


def mistake(source: str, at: int, what: str) -> UsageError:
    """Return the error that `what` is wrong at that place."""
    return UsageError(f"the condition {source!r:.200} is no CEL at character {at + 1}: {what}")
