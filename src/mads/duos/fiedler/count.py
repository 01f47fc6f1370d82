"""How many tokens something is: by our own count, and at most; and which of two counts is taken."""

from __future__ import annotations

import math

import msgspec

from mads.duos.fiedler.port import Answered
from mads.wire.model import ModelRequest, Usage

BYTES_A_TOKEN = 4.0
"""What a token is, roughly, in English and in code: a count of our own, so that a wrong one is seen."""

OVERHEAD = 8
"""How many tokens a message may take besides its text."""

FAR = 3.0
"""How many times the one count is the other where they are no two counts of one thing."""

MOST = 10**9
"""More tokens than any request takes: a larger figure is a lie that no book should be made to hold."""

SOME = 64
"""By so many tokens at least."""


def size_of(request: ModelRequest) -> int:
    """Return the bytes of all that goes to a model."""
    size = sum(len(message.text.encode()) + len(_encoded(message.calls)) for message in request.messages)
    size += sum(len(tool.name) + len(tool.description.encode()) + len(_encoded(tool.schema)) for tool in request.tools)
    return size + (len(_encoded(request.schema)) if request.schema else 0)


def at_most(request: ModelRequest) -> Usage:
    """Return what a request may take at most: no tokenizer makes more tokens than there are bytes."""
    pieces = len(request.messages) + len(request.tools) + 1
    return Usage(input=size_of(request) + OVERHEAD * pieces, output=request.max_tokens)


def counted(request: ModelRequest, answered: Answered) -> Usage:
    """Return our own count of a request and its answer."""
    came = len(answered.text.encode()) + len(_encoded(answered.calls))
    return Usage(input=_tokens(size_of(request)), output=_tokens(came))


def larger(reported: Usage | None, own: Usage) -> tuple[Usage, bool, tuple[str, ...]]:
    """Return what is taken of the provider's figures and of our own, whether it is disputed, and what is odd.

    Disputed is what is more than the provider reports, and a report that is too far from our own count.
    """
    if reported is None:
        return own, True, ("the provider reports no usage; it is our own count",)
    reported = believable(reported)
    went_in = reported.input + reported.cached + reported.written
    flags = tuple(
        f"the provider reports {theirs} tokens {where} where we count {ours}"
        for where, theirs, ours in (("in", went_in, own.input), ("out", reported.output, own.output))
        if _apart(theirs, ours)
    )
    missing = max(0, own.input - went_in)
    taken = Usage(
        input=reported.input + missing,
        cached=reported.cached,
        written=reported.written,
        output=max(reported.output, own.output),
    )
    return taken, taken != reported or bool(flags), flags


def believable(reported: Usage) -> Usage:
    """Return `reported` with no kind below 0 or above what any request may take."""
    return Usage(*(min(max(0, getattr(reported, kind)), MOST) for kind in Usage.__struct_fields__))


def _apart(one: int, other: int) -> bool:
    low, high = sorted((one, other))
    return high - low > SOME and high > FAR * low


def _tokens(size: int) -> int:
    return math.ceil(size / BYTES_A_TOKEN)


def _encoded(value: object) -> bytes:
    return msgspec.json.encode(value) if value else b""
