"""Names for calls, traces and spans: unique without a random draw for each.

A counter draws once, so that ids of two processes do not meet; a process that forks needs new counters.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable


def call_ids() -> Callable[[], str]:
    """Return a function that gives a new call id each time: 12 random hex digits, then a count."""
    start, count = os.urandom(6).hex(), itertools.count(1).__next__
    return lambda: f"{start}-{count():x}"


def trace_ids() -> Callable[[], str]:
    """Return a function that gives a new W3C trace id each time: 32 hex digits."""
    start, count = os.urandom(10).hex(), itertools.count(1).__next__
    return lambda: f"{start}{count():012x}"


def span_ids() -> Callable[[], str]:
    """Return a function that gives a new W3C span id each time: 16 hex digits."""
    start, count = os.urandom(4).hex(), itertools.count(1).__next__
    return lambda: f"{start}{count():08x}"


def command_id(seq: int, attempt: int) -> str:
    """Return the id of the call that is an attempt at a command."""
    return f"command-{seq}.{attempt}"


def is_command(id_: str) -> bool:
    """Return whether a call of this id is an attempt at a command."""
    return id_.startswith("command-")
