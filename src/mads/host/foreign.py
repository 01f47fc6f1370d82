"""What an MCP server offers as tools of a MAD: under names that every client takes, called with plain JSON."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, cast

from msgspec import Struct

from mads.author.declaration import Tool
from mads.author.declare import CompletesMark, PromptMark, ResourceMark, ToolMark
from mads.wire.errors import DeclarationError
from mads.wire.tools import Definition
from mads.wire.uri import Address

LONGEST = 48
"""How many characters a name may have, so that the MAD's fits before it; a longer one is cut, and marked."""

_ANYTHING = cast("type[Struct]", dict[str, Any])
"""The type of arguments that only their server understands."""

_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")

Why = Callable[[Definition], tuple[str, ...]]
"""Says why something is withheld."""


def tools_of(definitions: Iterable[Definition], why: Why) -> dict[str, Tool]:
    """Return a tool for each of `definitions` that can be one, by its name here."""
    found: dict[str, Tool] = {}
    for definition in sorted(definitions, key=lambda it: it.id):  # else a server could swap what two names mean
        reasons = why(definition)
        for name, tool in _each(definition, "; ".join(reasons)):
            free = name if name not in found else _marked(name, definition.id)
            found[free] = replace(tool, name=free)
    return found


def _each(definition: Definition, withheld: str) -> Iterator[tuple[str, Tool]]:
    said, name = definition.said, _fitting(definition)
    match definition.kind:
        case "tool":
            hints: dict[str, Any] = said.get("annotations") or {}
            mark = ToolMark(
                read_only=hints.get("readOnlyHint") is True,
                destructive=hints.get("destructiveHint") is True and hints.get("readOnlyHint") is not True,
                idempotent=hints.get("idempotentHint") is True,
                interactive=True,
            )
            yield name, _tool(name, definition, mark, withheld)
        case "resource" | "template":
            if definition.kind == "template" and not _is_template(definition.name):
                return
            place = ResourceMark(definition.name, said.get("mimeType") or "", said.get("title") or "")
            yield name, _tool(name, definition, _READ, withheld, place)
            if definition.kind == "template":
                variables = Address(definition.name).variables
                yield from _completions(name, {"type": "ref/resource", "uri": definition.name}, variables, withheld)
        case "prompt":
            yield name, _tool(name, definition, _READ, withheld, PromptMark(said.get("title") or ""))
            asked = [each["name"] for each in said.get("arguments") or ()]
            yield from _completions(name, {"type": "ref/prompt", "name": definition.name}, asked, withheld)
        case "completion":
            return


_READ = ToolMark(read_only=True, idempotent=True, interactive=True)


def _completions(
    of: str, reference: dict[str, Any], arguments: Iterable[str], withheld: str
) -> Iterator[tuple[str, Tool]]:
    for argument in arguments:
        name = f"complete_{of}_{_UNFIT.sub('_', argument)}"
        definition = Definition("completion", f"{of} {argument}", {"ref": reference, "argument": argument})
        yield name, _tool(name, definition, _READ, withheld, CompletesMark(of, argument))


def _tool(name: str, definition: Definition, mark: ToolMark, withheld: str, place: Any = None) -> Tool:
    description = definition.said.get("description") or definition.name
    kind = "resource" if definition.kind == "template" else definition.kind
    return Tool(
        name=name,
        method="answer",
        description=description,
        params=_ANYTHING,
        result=Any,
        streams=False,
        mark=mark,
        kind=kind,
        place=place,
        foreign=definition,
        withheld=withheld,
    )


def _fitting(definition: Definition) -> str:
    """Return a name that every client takes; one that had to be changed so that others might become it is marked."""
    written = definition.said.get("name") or definition.name
    fit = _UNFIT.sub("_", written).strip("_") or definition.kind
    return fit if len(fit) <= LONGEST else _marked(fit, definition.id)


def _marked(name: str, id_: str) -> str:
    return f"{name[: LONGEST - 7]}_{hashlib.sha256(id_.encode()).hexdigest()[:6]}"


def _is_template(uri: str) -> bool:
    try:
        return bool(Address(uri).variables)
    except DeclarationError:
        return False
