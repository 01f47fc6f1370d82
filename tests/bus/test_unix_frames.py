"""Frames: what is packed is unpacked however the bytes are cut, and what is no frame is refused as such."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from mads.bus.unix.frames import (
    MAX_FRAME,
    Answer,
    AnyFrame,
    Cancel,
    Credit,
    Deliver,
    Drain,
    Item,
    Load,
    Publish,
    Refusal,
    Request,
    Seal,
    Subscribe,
    Told,
    Unpacker,
    Unsubscribe,
    pack,
)
from mads.wire import codec
from mads.wire.call import Identity, Progress
from mads.wire.codec import WireCall
from mads.wire.errors import InvalidMessage
from mads.wire.failure import Failure

COVERS = ("R-032",)

text = st.text(max_size=20)
maybe_text = st.none() | text
count = st.integers(0, 2**63 - 1)
small = st.integers(-1, 9)
bodies = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | text | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=10,
).map(lambda body: Raw(codec.encode(body)))
identities = st.builds(Identity, text, text, st.lists(text, max_size=3).map(tuple))
calls = st.builds(
    WireCall,
    subject=text,
    body=bodies,
    id=text,
    left=st.floats(allow_nan=False),
    identity=identities,
    trace=text,
    span=text,
    cause=maybe_text,
    conversation=maybe_text,
    band=st.integers(0, 3),
    key=maybe_text,
    attempt=st.integers(1, 9),
    notes=maybe_text,
)
failures: st.SearchStrategy[Failure] = st.recursive(
    st.builds(Failure, text, text, text, text, st.none() | st.floats(0, 9)),
    lambda cause: st.builds(Failure, text, text, cause=cause),
    max_leaves=3,
)
frames: st.SearchStrategy[AnyFrame] = st.one_of(
    st.builds(Request, count, st.none() | count, calls),
    st.builds(Publish, count, calls),
    st.builds(Subscribe, count, st.lists(text).map(tuple), maybe_text, maybe_text, small, small),
    st.builds(Unsubscribe, count, count),
    st.builds(Seal, count, count),
    st.builds(Drain, count),
    st.builds(Deliver, count, count, st.none() | count, calls),
    st.builds(Load, count, count, count),
    st.builds(Item, count, bodies),
    st.builds(Told, count, st.builds(Progress, st.floats(allow_nan=False), st.none() | st.floats(0, 9), text)),
    st.builds(Credit, count),
    st.builds(Cancel, count),
    st.builds(Answer, count, bodies),
    st.builds(Refusal, count, failures),
)


def unpacked(data: bytes, cuts: list[int]) -> list[AnyFrame]:
    """Return the frames of `data`, which arrives in pieces that end at `cuts`."""
    unpacker = Unpacker()
    ends = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [frame for start, end in pairwise(ends) for frame in unpacker.feed(data[start:end])]


@given(sent=st.lists(frames, max_size=5), cuts=st.lists(st.integers(0, 10_000), max_size=8))
def test_frames_arrive_as_they_were_sent_however_the_bytes_are_cut(sent: list[AnyFrame], cuts: list[int]) -> None:
    assert unpacked(b"".join(map(pack, sent)), cuts) == sent


@given(frame=frames, missing=st.integers(1, 10_000))
def test_a_frame_that_is_cut_short_is_waited_for(frame: AnyFrame, missing: int) -> None:
    data = pack(frame)

    assert unpacked(data[: max(0, len(data) - missing)], []) == []


@given(data=st.binary(max_size=200), cuts=st.lists(st.integers(0, 200), max_size=3))
def test_garbage_is_waited_out_or_refused(data: bytes, cuts: list[int]) -> None:
    with suppress(InvalidMessage):
        unpacked(data, cuts)
    with suppress(InvalidMessage):
        unpacked(len(data).to_bytes(4, "big") + data, cuts)


@given(frame=frames, place=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_damaged_frame_is_refused_or_another_frame(frame: AnyFrame, place: int, byte: int) -> None:
    data = bytearray(pack(frame))
    data[4 + place % (len(data) - 4)] = byte
    with suppress(InvalidMessage):
        (found,) = unpacked(bytes(data), [])
        assert isinstance(found, AnyFrame)


@pytest.mark.parametrize(
    "value",
    [
        [99, 1],  # an unknown kind
        [12],  # too few fields
        [12, 1, 2],  # too many
        [12, "1"],  # a field of another type
        [12, -1],  # a negative number
        {"type": 12, "no": 1},  # not an array
        [13, 1, None, 2**53 + 1],  # a cost that cannot be added up
        None,
    ],
    ids=repr,
)
def test_what_no_frame_looks_like_is_refused(value: Any) -> None:
    body = codec.encode(value)

    with pytest.raises(InvalidMessage):
        unpacked(len(body).to_bytes(4, "big") + body, [])


def test_a_failure_nested_without_end_is_refused() -> None:
    body = b"\x93\x0e\x01" + b"\x83\xa4code\xa1x\xa7message\xa0\xa5cause" * 100_000

    with pytest.raises(InvalidMessage):
        unpacked(len(body).to_bytes(4, "big") + body, [])


def test_a_length_beyond_the_largest_frame_is_refused_before_anything_is_kept() -> None:
    with pytest.raises(InvalidMessage, match=str(MAX_FRAME)):
        unpacked((MAX_FRAME + 1).to_bytes(4, "big"), [])


def test_the_largest_message_fits_and_a_larger_one_is_refused() -> None:
    largest = Raw(codec.encode(bytes(codec.MAX_BYTES - 5)))

    assert unpacked(pack(Item(1, largest)), [1000, 10_000_000]) == [Item(1, largest)]
    with pytest.raises(InvalidMessage, match="larger"):
        pack(Item(1, Raw(bytes(MAX_FRAME))))
