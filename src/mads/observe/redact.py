"""What is `Sensitive` is taken out of a body, and out of the words said about it, before anything keeps either.

A redactor is made once for a type; a type that holds nothing sensitive has none. What does not fit its type, or is not
named in it, is taken out too: nobody knows what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from functools import cache
from typing import Any, TypeGuard

import msgspec
from msgspec import Raw
from msgspec import inspect as shape

from mads.author.sensitive import HIDDEN, holds, is_sensitive
from mads.wire import codec
from mads.wire.errors import InvalidMessage
from mads.wire.failure import Failure

SHORTEST = 2
"""How many characters a value must have to be looked for in words."""

unsaid: ContextVar[Callable[[], Sequence[str]]] = ContextVar("mads_unsaid", default=tuple)
"""Returns the words that the handler running in this task must not say, for its call calls them sensitive."""

heard: ContextVar[list[str] | None] = ContextVar("mads_heard", default=None)
"""Takes the words that the handler running in this task was answered, and must not say; None where it may say all."""

Hide = Callable[[Any, list[Any]], Any]
"""Returns a value, in the types of MessagePack, without what is sensitive, which it adds to the list."""

_STRUCTS = (shape.StructType, shape.DataclassType, shape.TypedDictType, shape.NamedTupleType)
_SPELLED: dict[type[shape.Type], tuple[type[Any], ...]] = {
    shape.StrType: (str,),
    shape.IntType: (int,),
    shape.BoolType: (bool,),
    shape.FloatType: (float, int),
}
"""What a value of such a type is on the wire; of any other it may be anything."""


class Redactor:
    """Takes out what one type calls sensitive."""

    def __init__(self, hide: Hide) -> None:
        self.hide = hide

    def body(self, body: bytes) -> tuple[bytes, list[str]]:
        """Return `body` without what is sensitive, and the words that must not be said."""
        found: list[Any] = []
        try:
            value = codec.decode(body, Any)
        except InvalidMessage:
            return codec.encode(HIDDEN), []
        return codec.encode(self.hide(value, found)), words(found)

    def answered(self, value: Any) -> None:
        """Have the handler running in this task, which was answered `value`, say nothing of what is sensitive in it."""
        if (told := heard.get()) is not None:
            told += self.body(codec.encode(value))[1]

    def plain(self, value: Any) -> Any:
        """Return `value`, in the types of JSON, without what is sensitive."""
        return self.hide(value, [])


@cache
def redactor(type_: Any) -> Redactor | None:
    """Return the redactor of `type_`; None where it holds nothing sensitive."""
    hide = _hide(shape.type_info(type_), {})
    return None if hide is None else Redactor(hide)


def words(values: Iterable[Any]) -> list[str]:
    """Return how `values` may be spelled in a sentence, the longest first."""
    spelled: set[str] = set()
    for leaf in (leaf for value in values for leaf in leaves(value)):
        text = leaf.decode(errors="replace") if isinstance(leaf, bytes) else str(leaf)
        spelled |= {text, repr(text)[1:-1], repr(leaf), msgspec.json.encode(text)[1:-1].decode()}
    return sorted((text for text in spelled if len(text) >= SHORTEST), key=len, reverse=True)


def said(text: str, secrets: Sequence[str]) -> str:
    """Return `text` without any of `secrets`."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def told(text: str, type_: Any, body: bytes | Raw) -> str:
    """Return `text` without what the bytes in `body`, of a `type_`, hold that is sensitive."""
    hide = redactor(type_)
    return text if hide is None else said(text, hide.body(bytes(body))[1])


def misfit(error: InvalidMessage, value: Any, type_: Any) -> str:
    """Return why `value` is no `type_`, and what it is instead, but for what is sensitive in a `type_`."""
    if redactor(type_) is None:
        return f"{error}; it gave {value!r:.200}"
    return f"{said(str(error), words([_plainly(value)]))}; it gave {HIDDEN}"


def failed(failure: Failure, secrets: Sequence[str]) -> Failure:
    """Return `failure` and its causes without any of `secrets`."""
    cause = None if failure.cause is None else failed(failure.cause, secrets)
    return msgspec.structs.replace(failure, message=said(failure.message, secrets), cause=cause)


def _take(value: Any, found: list[Any]) -> Any:
    if value is None:
        return None
    found.append(value)
    return HIDDEN


def _plainly(value: Any) -> Any:
    try:
        return codec.plain(value)
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def leaves(value: Any) -> Iterator[Any]:
    """Iterate over the texts, bytes and numbers in a value of plain data."""
    if _is_map(value):
        for part in (*value.keys(), *value.values()):
            yield from leaves(part)
    elif _is_list(value):
        for part in value:
            yield from leaves(part)
    elif not isinstance(value, bool | None):
        yield value


def _hide(node: shape.Type, made: dict[int, Hide]) -> Hide | None:
    """Return what takes out all that `node` calls sensitive; `made` has those of the nodes above it."""
    if is_sensitive(node):
        return _take
    if id(node) in made:
        return made[id(node)] if holds(node) else None
    if not holds(node):
        return None
    hides: list[Hide] = []  # filled below: a type may be a part of itself
    made[id(node)] = _Later(hides)
    hides.append(_MAKERS[type(node)](node, made))
    return hides[0]


class _Later:
    """Takes out what the first of `hides` will."""

    def __init__(self, hides: Sequence[Hide]) -> None:
        self._hides = hides

    def __call__(self, value: Any, found: list[Any]) -> Any:
        return self._hides[0](value, found)


def _is_map(value: Any) -> TypeGuard[dict[Any, Any]]:
    return isinstance(value, dict)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _inner(node: Any, made: dict[int, Hide]) -> Hide:
    hide = _hide(node.type, made)
    assert hide is not None
    return hide


def _each(node: Any, made: dict[int, Hide]) -> Hide:
    hide = _hide(node.item_type, made)
    assert hide is not None
    return lambda value, found: [hide(item, found) for item in value] if _is_list(value) else _take(value, found)


def _places(nodes: Sequence[shape.Type], made: dict[int, Hide]) -> Hide:
    hides = [_hide(node, made) or _keep for node in nodes]

    def places(value: Any, found: list[Any]) -> Any:
        if not _is_list(value):
            return _take(value, found)
        return [(hides[place] if place < len(hides) else _take)(item, found) for place, item in enumerate(value)]

    return places


def _mapping(node: Any, made: dict[int, Hide]) -> Hide:
    hide = _hide(node.value_type, made) or _keep
    if _hide(node.key_type, made) is not None:
        return _take
    return lambda value, found: (
        {key: hide(inner, found) for key, inner in value.items()} if _is_map(value) else _take(value, found)
    )


def _fields(node: Any, made: dict[int, Hide]) -> Hide:
    if isinstance(node, shape.NamedTupleType) or getattr(node, "array_like", False):
        tagged: list[shape.Type] = [shape.AnyType()] if getattr(node, "tag_field", None) else []
        return _places([*tagged, *(field.type for field in node.fields)], made)
    hides: dict[str, Hide] = {field.encode_name: _hide(field.type, made) or _keep for field in node.fields}
    if (tag := getattr(node, "tag_field", None)) is not None:
        hides[tag] = _keep

    def fields(value: Any, found: list[Any]) -> Any:
        if not _is_map(value):
            return _take(value, found)
        return {key: hides.get(key, _take)(inner, found) for key, inner in value.items()}

    return fields


def _either(node: Any, made: dict[int, Hide]) -> Hide:
    options: list[tuple[shape.Type, Hide]] = [(option, _hide(option, made) or _keep) for option in node.types]

    def either(value: Any, found: list[Any]) -> Any:
        fitting = [hide for option, hide in options if _fits(_bare(option), value)]
        if value is None or not fitting:
            return _take(value, found)
        return next((hide for hide in fitting if hide is not _keep), _keep)(value, found)

    return either


def _fits(node: shape.Type, value: Any) -> bool:
    """Return whether `value` may be one of `node`; where that cannot be told it may."""
    if isinstance(node, _STRUCTS):
        if isinstance(node, shape.NamedTupleType) or getattr(node, "array_like", False):
            return _is_list(value)
        tag = getattr(node, "tag_field", None)
        return _is_map(value) and (tag is None or value.get(tag) == getattr(node, "tag", None))
    if isinstance(node, shape.DictType):
        return _is_map(value)
    if isinstance(node, shape.CollectionType | shape.TupleType):
        return _is_list(value)
    if _is_map(value) or _is_list(value):
        return False
    return isinstance(value, _SPELLED.get(type(node), object))


def _bare(node: Any) -> Any:
    while isinstance(node, shape.Metadata):
        node = node.type
    return node


def _keep(value: Any, _: list[Any]) -> Any:
    return value


_MAKERS: dict[type[Any], Callable[[Any, dict[int, Hide]], Hide]] = {
    shape.Metadata: _inner,
    shape.UnionType: _either,
    shape.ListType: _each,
    shape.SetType: _each,
    shape.FrozenSetType: _each,
    shape.VarTupleType: _each,
    shape.CollectionType: _each,
    shape.TupleType: lambda node, made: _places(node.item_types, made),
    shape.DictType: _mapping,
    **dict.fromkeys(_STRUCTS, _fields),
}
