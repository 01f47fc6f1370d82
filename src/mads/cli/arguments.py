"""What a person types, `key=value`, as the values that a JSON Schema asks for.

A value is what the schema says it is: a string stays as it is typed, whatever it looks like; anything else is JSON.
`key=@file` reads a file, `key=-` standard input, as bytes where the schema asks for base64; `key=@@x` is the string
`@x`. A lone JSON object, `@file` or `-` gives all arguments at once.
"""

from __future__ import annotations

import base64
import difflib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from mads.wire.errors import UsageError

KINDS: dict[type[Any], str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
"""What JSON Schema calls the types of JSON."""

ANYTHING = frozenset(KINDS.values())

_DEFINITION = "#/$defs/"


class Parameters:
    """The parameters of one tool, or the fields of one event, as the JSON Schema of an object has them."""

    def __init__(self, owner: str, schema: dict[str, Any]) -> None:
        self._owner = owner
        self._definitions: dict[str, Any] = schema.get("$defs", {})
        root = self._resolved(schema)
        self._nodes: dict[str, Any] = root.get("properties", {})
        self._required: list[str] = root.get("required", [])

    def parse(self, words: Sequence[str], *, fitting: bool = True) -> dict[str, Any]:
        """Return the arguments that `words` give; raise one `UsageError` with every mistake, a line each.

        Unless they must be `fitting`, it is none that they are not what the schema asks for.
        """
        mistakes: list[str] = []
        unfit = mistakes if fitting else []
        lone = len(words) == 1 and "=" not in words[0].partition("{")[0] and words[0] not in self._nodes
        given = _document(words[0], mistakes) if lone else self._typed(words, mistakes, unfit)
        unfit += [self._unknown(name) for name in given if name not in self._nodes]
        unfit += [f"write {name}=…" for name in self._required if name not in given]
        if mistakes:
            takes = f"{self._owner} takes {self.words() or 'nothing'}"
            raise UsageError("\n".join((*dict.fromkeys(mistakes), takes)))
        return given

    def names(self) -> Iterator[str]:
        """Iterate over the names, in order."""
        return iter(self._nodes)

    def words(self) -> str:
        """Return what may be typed: each name with its type, in brackets where it may be left out."""
        typed = {name: f"{name}={self._shown(node)}" for name, node in self._nodes.items()}
        return " ".join(word if name in self._required else f"[{word}]" for name, word in typed.items())

    def _typed(self, words: Sequence[str], mistakes: list[str], unfit: list[str]) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for word in words:
            name, equals, text = word.partition("=")
            if not equals:
                mistakes.append(
                    f"write {word}=…" if word in self._nodes else f"{word!r} is no argument; write NAME=VALUE"
                )
            elif name in given:
                mistakes.append(f"{name}= is given twice")
            else:
                given[name] = None
                try:
                    binary = self._is_binary(self._nodes.get(name, {}))
                    given[name] = _encoded(text) if binary else self._value(name, _read(text), unfit)
                except ValueError as error:
                    mistakes.append(str(error))
        return given

    def _value(self, name: str, text: str, unfit: list[str]) -> Any:
        """Return what `text` says, and note where that is nothing for `name`."""
        kinds = self._kinds(self._nodes.get(name, {}))
        if kinds <= {"string", "null"}:
            return text
        try:
            value = msgspec.json.decode(text)
        except msgspec.DecodeError:
            value = text
        if KINDS[type(value)] in kinds or (type(value) is int and "number" in kinds):
            return value
        if "string" not in kinds:
            unfit.append(f"{name}= wants {self._shown(self._nodes[name])}, not {text!r:.80}")
            return value
        return text

    def _is_binary(self, node: dict[str, Any]) -> bool:
        node = self._resolved(node)
        return "contentEncoding" in node or any(map(self._is_binary, node.get("anyOf", ())))

    def _kinds(self, node: dict[str, Any]) -> frozenset[str]:
        """Return the JSON types that a value of `node` may have."""
        node = self._resolved(node)
        if "anyOf" in node:
            return frozenset[str]().union(*(self._kinds(branch) for branch in node["anyOf"]))
        if "enum" in node or "const" in node:
            return frozenset(KINDS[type(value)] for value in node.get("enum", (node.get("const"),)))
        return frozenset({node["type"]}) if "type" in node else ANYTHING

    def _shown(self, node: dict[str, Any]) -> str:
        node = self._resolved(node)
        if "enum" in node:
            return "|".join(str(value) for value in node["enum"])
        kinds = self._kinds(node)
        return "anything" if kinds == ANYTHING else "|".join(sorted(kinds - {"null"})).upper()

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        reference: str = node.get("$ref", "")
        return self._resolved(self._definitions[reference.removeprefix(_DEFINITION)]) if reference else node

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(name, self._nodes, 1)
        return f"{self._owner} has no argument {name!r}" + (f"; did you mean {near[0]}=…?" if near else "")


def _document(word: str, mistakes: list[str]) -> dict[str, Any]:
    try:
        return msgspec.json.decode(_read(word), type=dict[str, Any])
    except ValueError as error:
        mistakes.append(f"{word!r:.80} is no JSON object ({error}); write NAME=VALUE or a JSON object")
        return {}


def _read(text: str) -> str:
    """Return the text that `text` stands for; raise `ValueError` where it stands for a file that is none."""
    if text == "-":
        return sys.stdin.read()
    if not _is_file(text):
        return text.removeprefix("@")
    try:
        return _file(text).decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{text} is no text in UTF-8: {error.reason} at byte {error.start}") from error


def _encoded(text: str) -> str:
    """Return the bytes that `text` stands for as base64, which it is already unless it stands for a file."""
    if text != "-" and not _is_file(text):
        return text
    return base64.b64encode(sys.stdin.buffer.read() if text == "-" else _file(text)).decode()


def _is_file(text: str) -> bool:
    return text.startswith("@") and not text.startswith("@@")


def _file(text: str) -> bytes:
    try:
        return Path(text[1:]).read_bytes()
    except (OSError, ValueError) as error:
        raise ValueError(f"{text}: {error}; write @@ for a text that starts with @") from error
