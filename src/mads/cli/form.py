"""What a tool asks in the middle of its work, put to the person at the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from mads.cli.terminal import VISIBLE
from mads.wire.asking import Answer

_TYPES: Mapping[str, Any] = {"integer": int, "number": float, "boolean": bool}


def filled(params: Mapping[str, Any]) -> Answer:
    """Return what the person fills in, field by field; Ctrl-C is no answer, an empty one leaves a field out."""
    schema = params["requestedSchema"]
    click.echo(str(params["message"]).translate(VISIBLE), err=True)
    content: dict[str, Any] = {}
    try:
        for name, field in schema["properties"].items():
            given = _asked(name, field, needed=name in schema.get("required", ()))
            if given not in ("", []):
                content[name] = given
    except (click.Abort, EOFError, KeyboardInterrupt):
        return {"action": "cancel"}
    return {"action": "accept", "content": content}


def _asked(name: str, field: Mapping[str, Any], *, needed: bool) -> Any:
    text = f"  {field.get('title') or field.get('description') or name}".translate(VISIBLE)
    several = field["type"] == "array"
    choices = _choices(field["items"] if several else field)
    default = field.get("default", None if needed else "")
    if several:
        shown = f"{text} (any of {', '.join(choices)})"
        words = str(click.prompt(shown, default=",".join(default or []), err=True)).split(",")
        return [word.strip() for word in words if word.strip()]
    type_ = click.Choice(choices) if choices else _TYPES.get(field["type"], str)
    if default != "":
        return click.prompt(text, default=default, type=type_, err=True)
    given = click.prompt(text, default="", show_default=False, err=True)
    return _TYPES.get(field["type"], str)(given) if given else ""


def _choices(field: Mapping[str, Any]) -> list[str]:
    titled = field.get("oneOf") or field.get("anyOf") or ()
    return list(field.get("enum") or [choice["const"] for choice in titled])
