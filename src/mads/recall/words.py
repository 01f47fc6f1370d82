"""The words of prose and of code: identifiers taken apart, questions without the words that ask."""

import re

LONGEST = 2_000
"""How many characters of a query are read."""

MOST = 24
"""How many words of a query are looked for."""

_JOINT = re.compile(r"([a-z0-9](?=[A-Z])|[A-Z](?=[A-Z][a-z]))")
_WORD = re.compile(r"[^\W_]+")

_ASKING = (
    "a about all am an and any are as at be been being but by can could did do does doing for from had happen happens "
    "has have having he her here hers him his how i if in into is it its itself just let me mine my of off on or our "
    "ours out over please shall she should show so some such tell than that the their them then there these they this "
    "those to too under until up us use used uses using very was way we were what when where which while who whom why "
    "will with would you your"
)
_STOP = frozenset(_ASKING.split())


def apart(text: str) -> str:
    """Return `text` with a space at each joint of a camelCase name; its lines stay its lines."""
    return _JOINT.sub(r"\1 ", text)


def keywords(query: str, most: int = MOST) -> list[str]:
    """Return at most `most` words to look for, each once: letters and digits, none that a question merely asks with.

    A query of nothing but such words is looked for as it is.
    """
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(apart(query[:LONGEST]))))
    return ([word for word in words if word not in _STOP] or words)[:most]
