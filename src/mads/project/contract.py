"""The interface that a project has committed to, in `contract.json`, and what the code makes of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, cast

import msgspec

from mads.author.contract import Change, Interface, changes, interface
from mads.author.deprecation import deprecation
from mads.author.schema import event_info, tool_infos
from mads.host.config import read_config
from mads.host.events.heard import events_of
from mads.host.survey import Survey, survey
from mads.wire.errors import ConfigError, DeclarationError

FILE = "contract.json"
LOCK = "mads contract lock"

_DEFINITION = "#/$defs/"


def lock(root: Path, *, today: date | None = None) -> tuple[Interface, Sequence[Change]]:
    """Write down the interface of the code in `root`; return it, and how it differs from what was there before."""
    now = offered(survey(read_config(root)))
    path = root / FILE
    before = _read(path) if path.exists() else now
    part = path.with_suffix(".part")
    part.write_text(written(now), encoding="utf-8")
    part.replace(path)
    return now, changes(before, now, today=today or date.today())  # noqa: DTZ011  a date as the author wrote it


def diff(root: Path, revision: str | None = None, *, today: date | None = None) -> Sequence[Change]:
    """Return how the code in `root` differs from its lock, as it lies there or as it was committed at `revision`.

    Raises `ConfigError` where there is no such lock.
    """
    old = _read(root / FILE) if revision is None else _understood(_committed(root, revision), f"{FILE} at {revision}")
    return changes(old, offered(survey(read_config(root))), today=today or date.today())  # noqa: DTZ011  as above


def mistakes(root: Path, read: Survey, *, today: date) -> list[str]:
    """Return how the code breaks what was committed to, and what should be gone by `today`, a line each."""
    now = offered(read)
    found = list(_overdue(now, today))
    if (root / FILE).exists():
        found += [
            f"{change.what}: {change.why}, which breaks {FILE}; undo it, or accept it with: {LOCK}"
            for change in changes(_read(root / FILE), now, today=today)
            if change.verdict == "breaking"
        ]
    return found


def offered(read: Survey) -> Interface:
    """Return the interface of the MADs that were read."""
    tools = (tool for mad, declared in read.declared.items() for tool in tool_infos(mad, declared))
    events = (event_info(event, heard_by) for event, heard_by in events_of(read.declared).items())
    return interface(read.declared, tools, events)


def written(it: Interface) -> str:
    """Return the text of a lock: the same for the same interface, a line for each fact."""
    return json.dumps(msgspec.to_builtins(it), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _overdue(now: Interface, today: date) -> Iterator[str]:
    said = {f"{mad}.{name}": it.deprecated for mad, offers in now.mads.items() for name, it in offers.tools.items()}
    said |= {name: event.deprecated for name, event in now.events.items()}
    for what, deprecated in said.items():
        announced = deprecation(deprecated, what)
        if announced is not None and today > announced.until:
            yield f"{what} was to be gone after {announced.until} ({announced.instead}); remove it, or move the date"


def _read(path: Path) -> Interface:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"there is no {FILE} in {path.parent}; write it with: {LOCK}") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    return _understood(text, str(path))


def _understood(text: bytes, place: str) -> Interface:
    """Return the interface that `text` holds; raise `ConfigError` where it holds none."""
    try:
        found = msgspec.json.decode(text, type=Interface)
        for tool in (tool for mad in found.mads.values() for tool in mad.tools.values()):
            deprecation(tool.deprecated, "a tool")
            _refuse_dangling(tool.parameters)
            _refuse_dangling(tool.result)
        for event in found.events.values():
            deprecation(event.deprecated, "an event")
            _refuse_dangling(event.fields)
    except (msgspec.DecodeError, DeclarationError, ValueError, RecursionError) as error:
        raise ConfigError(f"{place} is no lock of a contract: {error}; write it anew with: {LOCK}") from error
    return found


def _refuse_dangling(schema: dict[str, Any]) -> None:
    """Raise `ValueError` where a reference in `schema` leads to no definition, or a definition only to another."""
    definitions: dict[str, Any] = schema.get("$defs", {})
    values: list[Any] = [schema]
    for value in values:
        if isinstance(value, dict):
            inner = cast("dict[str, Any]", value)
            name = inner.get("$ref")
            if isinstance(name, str) and "$ref" in definitions.get(name.removeprefix(_DEFINITION), {"$ref": name}):
                raise ValueError(f"{name!r} leads nowhere")
            values += inner.values()
        elif isinstance(value, list):
            values += cast("Any", value)


def _committed(root: Path, revision: str) -> bytes:
    """Return the lock as it was committed at `revision`."""
    if _git(root, "rev-parse", "--is-inside-work-tree") is None:
        raise ConfigError(f"{root} is in no git repository, so nothing is committed; leave out {revision!r}")
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found is None:
        raise ConfigError(f"{revision!r} is no commit of the repository in {root}; git log shows those that there are")
    text = _git(root, "show", f"{found.decode().strip()}:./{FILE}")
    if text is None:
        raise ConfigError(f"{FILE} was not committed at {revision!r}; write it with: {LOCK}, and commit it")
    return text


def _git(root: Path, *words: str) -> bytes | None:
    """Return what git says, None where it fails; raise `ConfigError` where there is no git."""
    git = shutil.which("git")
    if git is None:
        raise ConfigError("git is not installed, and only it knows what was committed")
    ran = subprocess.run(  # noqa: S603  git itself, and words of ours
        [git, "-C", os.fspath(root), *words], capture_output=True, check=False, stdin=subprocess.DEVNULL
    )
    return ran.stdout if ran.returncode == 0 else None
