"""The W3C trace context: what a client says of the trace that its call belongs to, and what we say of ours.

What is malformed is ignored, as the recommendation asks; what is passed on is passed on as it came, within bounds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

STATE = 512
"""How many characters of a tracestate are passed on; entries beyond go, the long ones first, then the last ones."""

LONG = 128
"""An entry of a tracestate with more characters is a long one."""

MEMBERS = 32
"""How many entries a tracestate may have; one with more is none."""

BAGGAGE = 8192
"""How many characters of baggage are passed on; longer one is left behind."""

_PARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_MEMBER = re.compile(r"[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")
_VISIBLE = re.compile(r"[\x20-\x7e\t]*")


class Context(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What goes with a trace through all its calls: the client's own decision to keep it, its tracestate, its baggage.

    `sampled` is None where no client said anything of it; `protocol` is the version of MCP that it speaks, if it does,
    and `reaches` are the methods of MCP that it answers, or wants to hear.
    """

    sampled: bool | None = None
    state: str = ""
    baggage: str = ""
    protocol: str = ""
    reaches: tuple[str, ...] = ()


NONE = Context()


class Incoming(Struct, frozen=True):
    """A client's trace and span (as hex digits; "" where it has none) and the rest of what it said."""

    trace: str = ""
    parent: str = ""
    context: Context = NONE


class Origin(Struct, frozen=True):
    """Where a call from outside stands in its trace: its own span, and the `parent` that its client had."""

    trace: str
    span: str
    parent: str = ""
    context: Context = NONE


def incoming(said: Mapping[str, Any]) -> Incoming:
    """Return what `said` (traceparent, tracestate, baggage) says; without a valid traceparent no tracestate counts."""
    baggage = _words(said.get("baggage"), BAGGAGE)
    found = _PARENT.fullmatch(_words(said.get("traceparent"), STATE))
    if found is None or (found[1] == "00" and found[5] is not None):
        return Incoming(context=Context(baggage=baggage) if baggage else NONE)
    state = _state(_words(said.get("tracestate"), 1 << 14))
    return Incoming(found[2], found[3], Context(bool(int(found[4], 16) & 1), state, baggage))


def traceparent(trace: str, span: str, context: Context) -> str:
    """Return how a call of `span` names itself to others; a trace of which no client decided says that it is kept."""
    return f"00-{trace}-{span}-{'00' if context.sampled is False else '01'}"


def _words(said: Any, most: int) -> str:
    text = said.strip(" \t") if isinstance(said, str) else ""
    return text if len(text) <= most and _VISIBLE.fullmatch(text) else ""


def _state(text: str) -> str:
    """Return a tracestate as it may be passed on: unchanged where it is short enough, none where it is malformed."""
    members = [member.strip(" \t") for member in text.split(",")]
    named = [member for member in members if member]
    keys = {member.partition("=")[0] for member in named}
    if len(named) > MEMBERS or len(keys) < len(named) or not all(map(_MEMBER.fullmatch, named)):
        return ""
    while len(text) > STATE:
        longer = [member for member in named if len(member) > LONG]
        named.remove(longer[-1] if longer else named[-1])
        text = ",".join(named)
    return text
