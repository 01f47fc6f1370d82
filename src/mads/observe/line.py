"""One line of the log: the one schema in which every process of a system says what happened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, field

LEVELS = ("debug", "info", "warning", "error", "critical")
"""How grave a line may be, least first."""

_CORRELATION = ("request", "trace", "span", "conversation", "tenant")


class Line(Struct, frozen=True, kw_only=True):
    """What happened (`event`, a sentence), where and with which `facts`; a text is "" where there is nothing to say.

    `ts` is in ISO 8601, UTC. Of a line from inside a handler, `request`, `trace`, `span`, `conversation` and `tenant`
    are those of the call that it handled, in whichever process.
    """

    ts: str
    level: str
    mad: str = ""
    event: str
    request: str = ""
    trace: str = ""
    span: str = ""
    conversation: str = ""
    tenant: str = ""
    pid: int
    facts: dict[str, Any] = field(default_factory=dict[str, Any])


def human(line: Line) -> Iterator[str]:
    """Iterate over the lines in which a person reads it; what has several lines of its own stands below."""
    event, *more = line.event.splitlines() or [""]
    below = [f"  {row}" for row in more]
    words = [line.ts.replace("T", " "), f"{line.level:7}", f"{line.mad}:" if line.mad else "", event]
    for fact, value in line.facts.items():
        name = f"facts.{fact}" if fact in _CORRELATION else fact
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        if "\n" in text:
            below += [f"  {row}" for row in text.splitlines()]
        else:
            words.append(f"{name}={text if text and ' ' not in text else repr(text)}")
    words += [f"{name}={told}" for name in _CORRELATION if name != "span" and (told := getattr(line, name))]
    yield " ".join(filter(None, words))
    yield from below
