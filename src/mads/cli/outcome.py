"""How a command went, for its caller: an exit code, and an error in a few plain lines or as JSON."""

from __future__ import annotations

import os
import traceback
from typing import Any

import click
import msgspec

from mads.wire.errors import CallError, ConfigError, InvalidMessage, NoModel, StoreError, Unreachable, UsageError
from mads.wire.failure import Failure, failure_of

FAILED, USAGE, UNREACHABLE, INTERRUPTED = 1, 2, 3, 130

_CODES: tuple[tuple[type[BaseException], str, int], ...] = (
    (UsageError, "usage", USAGE),
    (click.UsageError, "usage", USAGE),
    (click.Abort, "interrupted", INTERRUPTED),
    (Unreachable, "unreachable", UNREACHABLE),
    (NoModel, "no_model", FAILED),
    (StoreError, "store", FAILED),
    (click.ClickException, "failed", FAILED),
    (OSError, "system", FAILED),
    (Exception, "internal", FAILED),
)
"""What an error that is no `CallError` is called, and the exit code that it means; the first that fits counts."""


def tell(error: Exception, *, as_json: bool) -> int:
    """Tell of `error`, as one JSON document on standard output or in words on standard error; return the exit code."""
    if os.environ.get("MADS_DEBUG"):
        traceback.print_exception(error)
    name, code = _named(error)
    if as_json:
        click.echo(msgspec.json.encode({"error": _document(error, name)}))
    elif isinstance(error, click.ClickException):
        error.show()
    elif name != "interrupted":
        for line in _lines(error, name):
            click.echo(line, err=True)
    return code


def _named(error: Exception) -> tuple[str, int]:
    if isinstance(error, CallError):
        return error.code, USAGE if isinstance(error, InvalidMessage) else FAILED
    return next((name, code) for kind, name, code in _CODES if isinstance(error, kind))


def _document(error: Exception, name: str) -> dict[str, Any]:
    told = failure_of(error)
    return {
        "code": name,
        "message": _message(error),
        "cause": None
        if told.cause is None or isinstance(error, click.ClickException)
        else msgspec.to_builtins(told.cause),
        "request": told.request or None,
        **({"mistakes": str(error).splitlines()} if isinstance(error, ConfigError) else {}),
    }


def _lines(error: Exception, name: str) -> list[str]:
    if name == "internal":
        return [f"Error: {type(error).__name__}: {error}", "  MADS_DEBUG=1 shows where"]
    if not isinstance(error, CallError):
        return [f"Error: {error}"]
    told = failure_of(error)
    request = f", request {told.request}" if told.request else ""
    again = "" if told.retry_after is None else f"; try again in {told.retry_after:g} s"
    return [f"Error: {told.message}{again} ({name}{request})", *_causes(told)]


def _causes(told: Failure) -> list[str]:
    return [] if told.cause is None else [f"  because: {told.cause.message}", *_causes(told.cause)]


def _message(error: Exception) -> str:
    if not isinstance(error, click.ClickException):
        return str(error)
    context = error.ctx if isinstance(error, click.UsageError) else None
    help_ = f" Try: {context.command_path} --help" if context else ""
    return f"{error.format_message()}{help_}"
