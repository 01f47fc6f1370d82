"""Values to bytes and back; the only place that knows MessagePack.

Bytes from outside are untrusted: a message larger than `MAX_BYTES`, nested deeper than `MAX_DEPTH`, with an unknown
field or a wrong type is refused with `InvalidMessage` before anything sees it.
"""

from __future__ import annotations

import math
import time
from functools import lru_cache
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Raw, Struct

from mads.wire.call import NOTES, Band, Call, Identity
from mads.wire.context import NONE, Context
from mads.wire.errors import InvalidMessage
from mads.wire.shape import is_bounded

MAX_BYTES = 16 * 1024 * 1024
"""The largest message, in bytes."""

MAX_DEPTH = 64
"""How deep containers of a message may be nested."""

FLAT = frozenset({str, int, float, bool, bytes, type(None)})
"""Types of what holds nothing else."""

_encoder = msgspec.msgpack.Encoder()


def encode(value: Any, *, limit: int = MAX_BYTES) -> bytes:
    """Return `value` as MessagePack; raise `InvalidMessage` where it cannot travel, or takes over `limit` bytes."""
    try:
        data = _encoder.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidMessage(f"a {type(value).__name__} cannot travel: {error}") from error
    if len(data) > limit:
        raise InvalidMessage(f"a message of {len(data)} bytes is larger than the {limit} that may travel")
    return data


def decode(data: bytes | memoryview | Raw, type_: Any, *, limit: int = MAX_BYTES) -> Any:
    """Return the value of `type_` that `data` holds; raise `InvalidMessage` where it does not hold one."""
    if memoryview(data).nbytes > limit:
        raise InvalidMessage(f"a message may have at most {limit} bytes")
    decoder, bounded = _decoder(type_)
    try:
        value = decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise InvalidMessage(str(error)) from error
    if not bounded and not (isinstance(value, Struct) and is_bounded(type(value))):
        _refuse_deep(value)
    return value


def fit(value: Any, type_: Any) -> Any:
    """Return `value` as `type_`, or raise `InvalidMessage`; nothing is coerced, no text becomes a number."""
    try:
        return msgspec.convert(value, type_)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InvalidMessage(str(error)) from error


def plain(value: Any) -> Any:
    """Return `value` in the types of JSON: dict, list, str, int, float, bool, None."""
    return msgspec.to_builtins(value, str_keys=True)


def check_notes(notes: str) -> None:
    """Raise `InvalidMessage` where `notes` are longer than may ride along with a call."""
    if len(notes) > NOTES:
        raise InvalidMessage(f"notes of {len(notes)} characters are too long; {NOTES} may ride along with a call")


class WireCall(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A `Call` between two processes: the deadline is a number of seconds left, the body bytes."""

    subject: str
    body: Raw
    id: str
    left: float
    identity: Identity
    trace: str
    span: str
    cause: str | None
    conversation: str | None
    band: int
    key: str | None
    attempt: int
    command: str | None
    notes: str | None
    parent: str = ""
    context: Context = NONE
    worth: Annotated[int, Meta(ge=0)] | None = None


def raw(body: Any) -> Raw:
    """Return `body` encoded, as it is where it already is."""
    return body if type(body) is Raw else Raw(encode(body))


def to_wire(call: Call) -> WireCall:
    """Return `call` in the form that crosses to another process; its sink stays behind."""
    return WireCall(
        call.subject,
        raw(call.body),
        call.id,
        call.remaining(),
        call.identity,
        call.trace,
        call.span,
        call.cause,
        call.conversation,
        call.band,
        call.key,
        call.attempt,
        call.command,
        call.notes,
        call.parent,
        call.context,
        call.worth,
    )


def from_wire(wire: WireCall) -> Call:
    """Return the call that came from another process; raise `InvalidMessage` where a field makes no sense."""
    if wire.band not in Band._value2member_map_:
        raise InvalidMessage(f"band {wire.band!r} is none of 0, 1, 2, 3")
    if not math.isfinite(wire.left):
        raise InvalidMessage(f"a deadline in {wire.left!r} seconds is none")
    if wire.notes is not None:
        check_notes(wire.notes)
    now = time.monotonic()
    return Call(
        subject=wire.subject,
        body=wire.body,
        id=wire.id,
        deadline=now + wire.left,
        identity=wire.identity,
        trace=wire.trace,
        span=wire.span,
        cause=wire.cause,
        conversation=wire.conversation,
        band=wire.band,
        key=wire.key,
        attempt=wire.attempt,
        command=wire.command,
        notes=wire.notes,
        parent=wire.parent,
        context=wire.context,
        made=now,
        worth=wire.worth,
    )


@lru_cache(maxsize=1024)
def _decoder(type_: Any) -> tuple[msgspec.msgpack.Decoder[Any], bool]:
    """Return the decoder of `type_`, and whether the type itself bounds the depth of its values."""
    return msgspec.msgpack.Decoder(type_, strict=True, ext_hook=_refuse_extension), is_bounded(type_)


def _refuse_extension(code: int, _: memoryview) -> None:
    raise ValueError(f"the MessagePack extension {code} stands for no value")


def _refuse_deep(value: Any) -> None:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH - 1):
        level = [inner for outer in level for inner in _contents(outer) if type(inner) not in FLAT]
        if not level:
            return
    if any(_contents(each) for each in level):
        raise InvalidMessage(f"a message may be nested {MAX_DEPTH} deep at most")


def _contents(value: Any) -> Any:
    if isinstance(value, dict):
        return cast("Any", value).values()
    if isinstance(value, list | tuple | set | frozenset):
        return cast("Any", value)
    if isinstance(value, Struct):
        return [getattr(value, name) for name in value.__struct_fields__]
    return ()
