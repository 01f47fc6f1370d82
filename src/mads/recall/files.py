"""Which files of a folder are worth indexing, and what they say."""

import os
import re
import stat
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mads.recall.git import git
from mads.recall.kinds import kind_of

MAX_BYTES = 1_000_000
"""The largest file that is read, and how much of the end of a log."""

MAX_LOG_BYTES = 64_000_000
"""The largest log of which the end is read."""

OWN = (".mads/log.jsonl", ".mads/log.1.jsonl", ".mads/metrics.prom")
"""Where a system keeps its log and figures, in the folder it runs in; of the rest of what it keeps nothing is read."""

_NEVER = frozenset({".git", ".mads", ".venv", "node_modules", "__pycache__"})
_BUILT = frozenset({"build", "dist", "target", "venv"})
_MADE = frozenset({"pyvenv.cfg", "CACHEDIR.TAG"})
_SECRET = re.compile(
    r"(.*/)?(\.(ssh|aws|gnupg|kube|docker)/.*|\.env(rc|\..*)?|[._]netrc|\.(npmrc|pypirc|pgpass|my\.cnf|htpasswd)"
    r"|\.git-credentials|\.\w*_history|id_[a-z0-9]+|.*\.(pem|key|p12|pfx|ppk|jks|keystore|kdbx))",
    re.DOTALL | re.IGNORECASE,
)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class File(NamedTuple):
    """A file as it was when it was listed; `path` is relative to its folder, with `/` between its parts."""

    path: str
    changed_ns: int
    size: int


def listing(folder: Path) -> list[File]:
    """Return the files of `folder` that may be worth indexing, by path; what cannot be looked at is left out.

    They are regular files that are not empty: those that git tracks or does not ignore, else all but hidden and built
    ones. Symlinks are not followed, so that nothing outside is read; what is named like a secret is left out. A name
    that is not UTF-8 is given escaped, so that the file counts, though nobody can read it by that name. Raises
    `OSError` where the folder cannot be read.
    """
    root = folder.resolve(strict=True)
    os.scandir(root).close()
    names = _tracked(root) or list(_walked(root))
    return list(_regular(root, sorted({*filter(_is_wanted, names), *OWN})))


def read(folder: Path, path: str) -> str | None:
    r"""Return the text of a listed file with `\n` between its lines; "" of a binary one.

    Of a log that is larger than `MAX_BYTES` it is the end, below as many empty lines as come before. None where a file
    cannot be read: another that is larger, not UTF-8, not allowed, or gone.
    """
    try:
        whole = folder.resolve(strict=True) / path
        if whole.resolve(strict=True) != whole:
            return None
        # without O_NONBLOCK, a FIFO that took the file's place would hold us up
        descriptor = os.open(whole, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as file:
            is_regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
            skipped = _skip(file) if is_regular and kind_of(path) == "log" else 0
            data = b"\n" * skipped + file.read(MAX_BYTES + (not skipped)) if is_regular else b""
    except (OSError, RuntimeError):  # 3.11 and 3.12 call a symlink loop a RuntimeError
        return None
    if b"\0" in data and not data.startswith(_UTF_16):
        return ""
    if len(data) - skipped > MAX_BYTES:
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return text.replace("\r\n", "\n").replace("\r", " ")


def _skip(file: BinaryIO) -> int:
    """Go to the first line of the last `MAX_BYTES` of a log, unless that is far too large; return its number from 0."""
    size, skipped = os.fstat(file.fileno()).st_size, 0
    if not MAX_BYTES < size <= MAX_LOG_BYTES:
        return 0
    while file.tell() < size - MAX_BYTES and file.readline(MAX_BYTES).endswith(b"\n"):
        skipped += 1
    return skipped


def _tracked(root: Path) -> list[str]:
    """Return what git lists under `root`; nothing where there is no git, no work tree, or nothing but ignored files."""
    told = git(root, "ls-files", "-co", "--exclude-standard", "-z") or b""
    return [os.fsdecode(name) for name in told.split(b"\0") if name]


def _walked(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        here = Path(folder).relative_to(root)
        if here.name and _is_built(here.name, names):
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _NEVER]
        start = f"{here.as_posix()}/" if here.name else ""
        yield from (start + name for name in names if not name.startswith("."))


def _is_built(name: str, names: list[str]) -> bool:
    """Return whether a folder of this name and with these files holds what a tool made."""
    return not _MADE.isdisjoint(names) or (name in _BUILT and "__init__.py" not in names)


def _is_wanted(name: str) -> bool:
    return _NEVER.isdisjoint(name.split("/")) and not _SECRET.fullmatch(name)


def _regular(root: Path, names: list[str]) -> Iterator[File]:
    """Yield the regular files of `names` that are reached without a symlink, which could lead anywhere."""
    start = f"{root}/".replace("//", "/")
    real = lru_cache(maxsize=None)(os.path.realpath)
    for name in names:
        path = f"{start}{name}"
        folder = path.rpartition("/")[0] or "/"
        try:
            status = os.lstat(path)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and status.st_size and real(folder) == folder:
            shown = os.fsencode(name).decode(errors="backslashreplace")
            yield File(shown, max(status.st_mtime_ns, status.st_ctime_ns), status.st_size)
