"""Which MAD of a system asks models, and the prose that every other one can answer because there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from mads.author.declaration import CHAT, Declaration, Tool
from mads.author.declare import ToolMark
from mads.wire.model import ModelAnswer, ModelRequest

COMPLETE = "complete"
USUAL = "fiedler"

TALKS = "answers prose from its docstring and its own tools"
"""The method of a tool that no class has: the host answers it."""

BUILT_IN = "mads.duos."

_TEXT = msgspec.defstruct(CHAT, [("text", str)], frozen=True, kw_only=True, forbid_unknown_fields=True)


def thinker_of(declared: Mapping[str, Declaration]) -> str:
    """Return the name of the MAD that answers a `ModelRequest`, the usual one of several; empty where there is none."""
    found = [name for name, read in declared.items() if _completes(read)]
    return USUAL if USUAL in found else next(iter(found), "")


def talking(declared: Mapping[str, Declaration]) -> dict[str, Declaration]:
    """Return `declared`; where some MAD asks models, each hears prose, but for those that come with mads."""
    if not thinker_of(declared):
        return dict(declared)
    return {name: _talking(read) for name, read in declared.items()}


def _talking(read: Declaration) -> Declaration:
    if CHAT in read.tools or read.cls.__module__.startswith(BUILT_IN):
        return read
    tool = Tool(
        name=CHAT,
        method=TALKS,
        description="Say something to this MAD; a model answers as it would, with its own tools.",
        params=_TEXT,
        result=str,
        streams=False,
        mark=ToolMark(),
    )
    return replace(read, tools={**read.tools, CHAT: tool})


def _completes(read: Declaration) -> bool:
    tool = read.tools.get(COMPLETE)
    if tool is None or tool.result is not ModelAnswer:
        return False
    return [field.type for field in msgspec.structs.fields(tool.params)] == [ModelRequest]
