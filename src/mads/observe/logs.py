"""One log for all processes of a system: each line is a fact in one schema, with the call during which it was told.

A line goes to the log file of the system and to standard error: there in words on a terminal, else as in the file.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Iterable, MutableMapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeGuard, cast

import msgspec
import structlog
from msgspec import Struct

from mads.author.sensitive import HIDDEN
from mads.observe.line import Line, human
from mads.observe.logfile import LogFile
from mads.observe.redact import redactor, unsaid
from mads.observe.redact import said as without
from mads.wire.call import current

LONGEST = 2000
"""How many characters of a fact, and of a sentence, are kept."""

DEEPEST = 8000
"""How many characters of a traceback are kept, half of them from its end."""

Level = Literal["debug", "info", "warning", "error"]
"""How much a line matters at least that is told."""

_COLOURS = {"warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m"}


def configure(folder: Path | None = None, *, mad: str = "", level: Level = "info") -> None:
    """Write this process's log to standard error and to the log file in `folder`; `mad` is whose process it is."""
    before = structlog.get_config()["logger_factory"]
    if isinstance(before, _Output):
        before.close()
    structlog.configure(
        processors=[_told],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Output(None if folder is None else LogFile(folder), mad),
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Others()])


def tell_from(level: Level) -> None:
    """Leave out of this process's log, from now on, what matters less."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))


class _Output:
    """Where lines go; whatever is wrong with a line, its author's code goes on."""

    def __init__(self, file: LogFile | None, mad: str) -> None:
        self._file, self._mad = file, mad
        self._words = sys.stderr.isatty()

    def __call__(self, *_: Any) -> _Output:
        return self

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def msg(self, line: Line) -> None:
        """Write one line."""
        if not line.mad and self._mad:
            line = msgspec.structs.replace(line, mad=self._mad)
        data = msgspec.json.encode(line) + b"\n"
        if self._file is not None:
            lost = self._file.lost
            self._file.append(data)
            if lost and self._file.lost == lost:
                self._file.lost = 0
                self.msg(msgspec.structs.replace(line, event="log lines could not be written", facts={"lost": lost}))
        self._show(line, data)

    debug = info = warning = error = critical = msg

    def _show(self, line: Line, data: bytes) -> None:
        text = "\n".join(human(line)) + "\n" if self._words else data.decode()
        if self._words and line.level in _COLOURS:
            text = f"{_COLOURS[line.level]}{text}\x1b[0m"
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError):  # nobody looks at it any more
            return


class _Others(logging.Handler):
    """What libraries log, in the same schema."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of one record."""
        try:
            said = record.getMessage()
        except Exception:  # noqa: BLE001  whatever a library's arguments do
            said = str(record.msg)
        log = structlog.get_logger()
        log.log(
            max(record.levelno, logging.INFO), said, logger=record.name, exc_info=record.exc_info and record.exc_info[1]
        )


def _told(_: Any, level: str, said: MutableMapping[str, Any]) -> tuple[tuple[Line], dict[str, Any]]:
    """Make a `Line` of what was said: what is known of the call that is handled is not the speaker's to say."""
    call = current.get()
    own = {name: said.pop(name, "") for name in ("request", "trace", "span", "conversation", "tenant")}
    facts = dict(cast("dict[str, Any]", said.pop("facts", {})))
    if call is not None:
        tenant = call.identity.tenant
        own = {"request": call.id, "trace": call.trace, "span": call.span, "tenant": tenant}
        own["conversation"] = call.conversation or ""
    mad, event, error = said.pop("mad", ""), said.pop("event"), said.pop("exc_info", None)
    facts = {name: fact(value) for name, value in (*said.items(), *facts.items())}
    if error:
        facts["exception"] = _traceback(error)
    secrets = unsaid.get()()
    line = Line(
        ts=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        level=level,
        mad=mad,
        event=_hushed(_text(str(event)), secrets),
        pid=os.getpid(),
        facts=_hushed(facts, secrets),
        **own,
    )
    return (line,), {}


def fact(value: Any) -> Any:
    """Return `value` in the types of JSON, no longer than `LONGEST`; what has no such form as Python shows it."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):
        return _text(value)
    try:
        plain = _plain(value)
        told = msgspec.json.encode(plain)
    except Exception:  # noqa: BLE001  an author's value may be anything
        return _text(_shown(value))
    return plain if len(told) <= LONGEST else _text(told.decode())


def _plain(value: Any) -> Any:
    """Return `value` in the types of JSON, without what is sensitive in the messages that it holds."""
    if _is_mapping(value):
        return {str(_plain(key)): _plain(inner) for key, inner in value.items()}
    if _is_row(value):
        return [_plain(inner) for inner in value]
    plain = msgspec.to_builtins(value, str_keys=True, enc_hook=repr)
    hide = redactor(type(value)) if isinstance(value, Struct) else None
    return plain if hide is None else hide.plain(plain)


def _hushed(value: Any, secrets: Sequence[str]) -> Any:
    """Return `value`, in the types of JSON, without any of `secrets`."""
    if not secrets or isinstance(value, bool) or value is None:
        return value
    if _is_mapping(value):
        return {key: _hushed(inner, secrets) for key, inner in value.items()}
    if _is_row(value):
        return [_hushed(inner, secrets) for inner in value]
    if isinstance(value, str):
        return without(value, secrets)
    return HIDDEN if str(value) in secrets else value


def _is_mapping(value: Any) -> TypeGuard[dict[Any, Any]]:
    return isinstance(value, dict)


def _is_row(value: Any) -> TypeGuard[Iterable[Any]]:
    return isinstance(value, list | tuple | set | frozenset)


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001  an author's `__repr__` may do anything
        return f"(a {type(value).__name__} that cannot be shown)"


def _text(text: str, longest: int = LONGEST) -> str:
    clean = text.encode(errors="replace").decode()
    return clean if len(clean) <= longest else f"{clean[:longest]}…"


def _traceback(error: Any) -> str:
    """Return where an error came from; of a long story the beginning and the end."""
    caught = error if isinstance(error, BaseException) else sys.exception()
    told = "" if caught is None else "".join(traceback.format_exception(caught)).rstrip()
    if len(told) > DEEPEST:
        told = f"{told[: DEEPEST // 2]}\n…\n{told[-DEEPEST // 2 :]}"
    return _text(told, DEEPEST + 3)
