"""A process gives up what work on untrusted content does not need: to write elsewhere, to connect, to run programs.

Landlock decides about files, a seccomp filter about the rest; both hold for good. The numbers are those
of Linux on x86-64.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path

OLDEST = 3
"""The first version of Landlock that knows of truncation."""

_CREATE, _ADD, _RESTRICT, _SECCOMP = 444, 445, 446, 317
_NO_NEW_PRIVILEGES, _VERSION, _BENEATH, _FILTER, _ALL_THREADS = 38, 1, 1, 1, 1

_READ = 1 << 2 | 1 << 3
_WRITE = _READ | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 14
"""Read a file and a folder; and write, remove, make files and folders, truncate."""

_ON_FILE = 1 << 1 | 1 << 2
_HANDLED = ((1, (1 << 13) - 1), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15))
"""What is forbidden unless it is allowed, by the version from which on it can be."""

_NET, _SCOPED = (4, 0b11), (6, 0b11)

_EPERM, _ENOSYS = 1, 38
_ALLOW, _FAIL = 0x7FFF_0000, 0x0005_0000
_X86_64, _X32 = 0xC000_003E, 0x4000_0000
_CLONE, _CLONE3, _THREAD = 56, 435, 0x10000
_DENIED = (
    *(41, 42, 43, 49, 50, 53, 288),  # socket connect accept bind listen socketpair accept4
    *(57, 58, 59, 322),  # fork vfork execve execveat
    *(101, 310, 311, 312, 424, 434, 438),  # ptrace process_vm_* kcmp pidfd_*
    *(155, 161, 165, 166, 272, 308, 304),  # pivot_root chroot mount umount unshare setns open_by_handle_at
    *(90, 91, 92, 93, 94, 260, 268, 452),  # chmod and chown in all their forms
    *(188, 189, 190, 197, 198, 199),  # extended attributes
    *(248, 249, 250, 298, 321, 323, 425, 426, 427),  # keys, perf, bpf, userfaultfd, io_uring
)


@cache
def lacking() -> str:
    """Return why a process cannot be confined here; "" where it can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return f"confinement is for Linux on x86-64, this is {sys.platform} on {platform.machine()}"
    version = _libc().syscall(_CREATE, None, 0, _VERSION)
    if version < OLDEST:
        return f"the kernel has no Landlock from version {OLDEST} on (Linux 6.2), or it is switched off"
    return ""


def confine(folder: str) -> None:
    """Let this process write in `folder` alone, which is made where it is missing, and read what Python needs.

    It opens no socket and starts no program from now on. Raises `OSError` where that cannot be had.
    """
    Path(folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    _check(_libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _limit_files(folder)
    _limit_calls()


def _limit_files(folder: str) -> None:
    libc = _libc()
    version = _check(libc.syscall(_CREATE, None, 0, _VERSION))
    handled = sum(rights for since, rights in _HANDLED if version >= since)
    net, scoped = (rights if version >= since else 0 for since, rights in (_NET, _SCOPED))
    asked = struct.pack("QQQ", handled, net, scoped)[: 24 if scoped else 16 if net else 8]
    rules = _check(libc.syscall(_CREATE, asked, len(asked), 0))
    try:
        _allow(rules, folder, _WRITE)
        _allow(rules, os.devnull, _ON_FILE)
        for path in _needed():
            _allow(rules, path, _READ)
        _check(libc.syscall(_RESTRICT, rules, 0))
    finally:
        os.close(rules)


def _needed() -> Iterator[str]:
    """Yield where Python, its libraries and those of the system lie."""
    paths = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), str(Path(__file__).parent.parent)}
    yield from (path for path in sorted(paths) if Path(path).is_dir())
    yield from filter(os.path.exists, ("/usr", "/lib", "/lib64", "/etc", "/dev/urandom", "/dev/random"))


def _allow(rules: int, path: str, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        fitting = rights if Path(path).is_dir() else rights & _ON_FILE
        _check(_libc().syscall(_ADD, rules, _BENEATH, struct.pack("=Qi", fitting, place), 0))
    finally:
        os.close(place)


def _limit_calls() -> None:
    steps = b"".join(_steps())
    program = ctypes.create_string_buffer(steps)
    head = struct.pack("HxxxxxxQ", len(steps) // 8, ctypes.addressof(program))
    _check(_libc().syscall(_SECCOMP, _FILTER, _ALL_THREADS, head))


def _steps() -> Iterator[bytes]:
    """Yield the filter: what it says of a call's architecture, its number, and of the flags of `clone`."""
    load, equal, least, has, end = 0x20, 0x15, 0x35, 0x45, 0x06
    refuse = _step(end, _FAIL | _EPERM)
    yield _step(load, 4)
    yield _step(equal, _X86_64, 1, 0)
    yield refuse
    yield _step(load, 0)
    yield _step(least, _X32, 0, 1)
    yield refuse
    for number in _DENIED:
        yield _step(equal, number, 0, 1)
        yield refuse
    yield _step(equal, _CLONE3, 0, 1)
    yield _step(end, _FAIL | _ENOSYS)  # the C library asks with `clone` then, whose flags can be read
    yield _step(equal, _CLONE, 0, 3)
    yield _step(load, 16)
    yield _step(has, _THREAD, 1, 0)
    yield refuse
    yield _step(end, _ALLOW)


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("HBBI", code, then, otherwise, value)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"this process cannot be confined: {os.strerror(number)}")
    return result
