"""A `Failure` is a `CallError` as a value: what a reply carries instead of a result."""

from __future__ import annotations

from msgspec import Struct

from mads.wire.errors import (
    CallError,
    DeadlineExceeded,
    Denied,
    Failed,
    InvalidMessage,
    Lost,
    NoResponder,
    Overloaded,
    Reject,
)

CAUSES = 8
"""How many causes of one failure are kept; a longer chain is cut."""

_BY_CODE: dict[str, type[CallError]] = {
    error.code: error
    for error in (NoResponder, DeadlineExceeded, Overloaded, Denied, InvalidMessage, Reject, Failed, Lost)
}


class Failure(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Why a call was not answered: `code` names the error class, `cause` is what lay behind it."""

    code: str
    message: str
    where: str = ""
    request: str = ""
    retry_after: float | None = None
    cause: Failure | None = None


def failure_of(error: BaseException, *, where: str = "", request: str = "", depth: int = CAUSES) -> Failure:
    """Return the failure that stands for `error`, its chain of causes included.

    An error that is no `CallError` is a `failed` one whose message names its class.
    """
    behind = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    cause = failure_of(behind, depth=depth - 1) if behind is not None and depth > 1 else None
    if isinstance(error, CallError):
        return Failure(error.code, str(error), error.where or where, error.request or request, error.retry_after, cause)
    return Failure("failed", f"{type(error).__name__}: {error}", where, request, None, cause)


def error_of(failure: Failure) -> CallError:
    """Return the error that `failure` stands for, ready to be raised, its chain of causes included."""
    error = _BY_CODE.get(failure.code, Failed)(
        failure.message, where=failure.where, request=failure.request, retry_after=failure.retry_after
    )
    if failure.cause is not None:
        error.__cause__ = error_of(failure.cause)
    return error
