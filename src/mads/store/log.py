"""A write-ahead log that is damaged is found before SQLite uses it, which drops all that follows the damage, silently.

A crash leaves at most one transaction behind that is not whole: the one that was being written. So what a log holds
beyond the place to which SQLite reads it is one transaction at most, or there was damage.
Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from mads.store.sqlite import PUT_BACK, logged
from mads.wire.errors import StoreError

_MAGIC = 0x377F0682
"""What a log starts with; the last bit says that its checksums are over big-endian words."""
_HEAD = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_SUMMED = 24
"""How many bytes of the head its own checksum is over."""

_Sums = tuple[int, int]


def look_over(path: Path) -> bool:
    """Return whether the log of the database at `path` ends in a transaction that is not whole.

    That one was being written at a crash, and never acknowledged; or it was the last that was, and is damaged: the two
    look alike. Raises `StoreError` where more than that cannot be read.
    """
    log = path.with_name(f"{path.name}-wal")
    content = log.read_bytes() if log.exists() else b""
    if len(content) <= _HEAD.size:
        return False
    if not path.exists() or path.stat().st_size == 0:
        raise StoreError(
            f"{path}: it is empty, and {log.name} beside it is not; SQLite would drop what that holds; {PUT_BACK}. "
            f"To begin anew, move {log.name} away"
        )
    head = _HEAD.unpack_from(content)
    if head[0] | 1 != _MAGIC | 1 or _sums(content[:_SUMMED], (0, 0), head[0]) != head[6:8]:
        raise _damaged(log)
    most = _unread(content, head, logged(path))
    if most > 1:
        raise _damaged(log)
    return most == 1


def _unread(content: bytes, head: tuple[int, ...], read: int) -> int:
    """Return how many transactions end behind frame `read`, in a row of frames that belong together; 2 for more."""
    order, size, salts = head[0], head[2], head[4:6]
    step = _FRAME.size + size
    ends, before = 0, (0, 0)
    for at in range(_HEAD.size + read * step, len(content) - step + 1, step):
        _, ended, *rest = _FRAME.unpack_from(content, at)
        if tuple(rest[:2]) != salts:  # left over from before the log was begun anew
            continue
        data = content[at : at + 8] + content[at + _FRAME.size : at + step]
        follows = _sums(data, before, order) == tuple(rest[2:])
        ends = (ends if follows else 0) + (ended > 0)
        before = (rest[2], rest[3])
        if ends > 1:
            break
    return ends


def _sums(data: bytes, before: _Sums, order: int) -> _Sums:
    one, two = before
    for left, right in _pairs(data, order):
        one = (one + left + two) & 0xFFFFFFFF
        two = (two + right + one) & 0xFFFFFFFF
    return one, two


def _pairs(data: bytes, order: int) -> Iterator[tuple[int, int]]:
    return struct.iter_unpack(">2I" if order & 1 else "<2I", data)


def _damaged(log: Path) -> StoreError:
    return StoreError(
        f"{log}: it is damaged, and what was acknowledged would be lost with it; {PUT_BACK}. "
        "To go on without what is in it, move it away"
    )
