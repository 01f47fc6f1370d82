"""What a tool, a resource or a prompt may return beside data: text, pictures, sound and resources, in MCP's terms."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from msgspec import Struct


class Text(Struct, frozen=True, tag="text", tag_field="type", forbid_unknown_fields=True):
    """Words."""

    text: str


class Image(Struct, frozen=True, tag="image", tag_field="type", rename="camel", forbid_unknown_fields=True):
    """A picture, and of which kind it is: `image/png`."""

    data: bytes
    mime_type: str


class Audio(Struct, frozen=True, tag="audio", tag_field="type", rename="camel", forbid_unknown_fields=True):
    """Sound, and of which kind it is: `audio/wav`."""

    data: bytes
    mime_type: str


class Embedded(
    Struct,
    frozen=True,
    tag="resource",
    tag_field="type",
    rename="camel",
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """A resource with what is in it: `text`, or else `blob`."""

    uri: str
    text: str | None = None
    blob: bytes | None = None
    mime_type: str = ""


class Link(
    Struct,
    frozen=True,
    tag="resource_link",
    tag_field="type",
    rename="camel",
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """A resource that may be read at `uri`; `size` is in bytes."""

    uri: str
    name: str
    title: str = ""
    description: str = ""
    mime_type: str = ""
    size: int | None = None


Content = Text | Image | Audio | Embedded | Link
"""One piece of what is returned."""

Role = Literal["user", "assistant"]


class PromptMessage(Struct, frozen=True, tag="message", tag_field="type", forbid_unknown_fields=True):
    """One message of a prompt, and whose it is."""

    role: Role
    content: str | Content


def is_content(type_: Any) -> bool:
    """Return whether values of `type_` are content: one piece, or a list of pieces, among which texts may be."""
    options = _options(type_)
    return bool(options & {*get_args(Content)}) and options <= {str, *get_args(Content)}


def is_prompt(type_: Any) -> bool:
    """Return whether values of `type_` are what a prompt may be: texts, content, messages."""
    return _options(type_) <= {str, PromptMessage, *get_args(Content)}


def is_contents(type_: Any) -> bool:
    """Return whether values of `type_` are embedded resources: what stands at one address, under more than one."""
    return _options(type_) == {Embedded}


def _options(type_: Any) -> set[Any]:
    """Return the types that a value, or each item of a list, may have."""
    if get_origin(type_) in {list, tuple}:
        return {option for item in get_args(type_) if item is not ... for option in _options(item)}
    parts = get_args(type_)
    return {option for part in parts for option in _options(part)} if parts else {type_}
