"""Make a project from the template beside this file: it runs, and passes its test, at once."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from mads.host.config import NAME, STEWARD, habitable
from mads.wire.errors import UsageError

SUFFIX = ".txt"
"""What the template's files have at the end of their names, so that no tool takes them for code."""

_OURS = {STEWARD, "task", "kept", "conftest"}
"""Names that mean something else in the project itself."""


def make(name: str, parent: Path) -> Path:
    """Make the project `name` in a folder of that name below `parent`, and return the folder.

    Raises `UsageError`, and writes nothing, where the name would not do or the folder holds anything.
    """
    _check(name)
    folder = habitable(parent / name)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UsageError(f"{folder} is there already; choose another name, or move it away")
    try:
        _fill(folder, name)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}; go where you may write") from error
    return folder


def _fill(folder: Path, name: str) -> None:
    folder.mkdir(exist_ok=True)
    words = {"name": name, "Name": _class_name(name)}
    for file in files("mads.project").joinpath("template").iterdir():
        text = Template(file.read_text(encoding="utf-8")).substitute(words)
        (folder / _named(file.name, name)).write_text(text, encoding="utf-8")


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _named(file: str, name: str) -> str:
    return ".gitignore" if file == f"gitignore{SUFFIX}" else file.removesuffix(SUFFIX).replace("NAME", name)


def _check(name: str) -> None:
    reason = _reason_against(name)
    if reason:
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:24]
        better = f"my_{plain or 'mad'}" if not plain or _reason_against(plain) else plain
        raise UsageError(f"{name!r} {reason}; try: mads new {better}")


def _reason_against(name: str) -> str:
    """Return why a MAD and its module cannot be called `name`; empty where they can."""
    if not NAME.fullmatch(name):
        return "is no name for a MAD: that has small letters, digits and _, at most 32, and starts with a letter"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or keyword.iskeyword(_class_name(name)):
        return "is a word of Python's own"
    if name in _OURS:
        return "has another meaning in a project"
    found = find_spec(name)
    if name in sys.stdlib_module_names or (found is not None and found.origin is not None):
        return "would hide the module of that name, which is installed here"
    return ""
