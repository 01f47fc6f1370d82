"""A `Failure` is a `CallError` as a value: what a reply carries instead of a result."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from mads.wire.errors import (
    Broken,
    CallError,
    CannotAsk,
    DeadlineExceeded,
    Denied,
    Failed,
    InvalidMessage,
    Limited,
    Lost,
    MadsError,
    NoResponder,
    Outdated,
    Overloaded,
    Reject,
    Stopped,
)

CAUSES = 8
"""How many causes of one failure are kept; a longer chain is cut."""

CHAIN = 1000
"""How far back the causes of an error are followed."""

WORDS = 2000
"""How many characters of an error's message travel."""

_BY_CODE: dict[str, type[CallError]] = {
    error.code: error
    for error in (
        *(NoResponder, DeadlineExceeded, Overloaded, Limited, Stopped, Broken, Denied, InvalidMessage, Outdated),
        *(CannotAsk, Reject, Failed, Lost),
    )
}

PARKED = "parked"
"""How a command ends its attempt that gives way to more urgent work: as cancelled, so that no author takes it for an
error."""

CODES = frozenset({*_BY_CODE, "cancelled", PARKED})
"""What a failure's code may be; `cancelled` is told to nobody, for the caller did not wait, `parked` to no caller."""


class Failure(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Why a call was not answered: `code` names the error class, `cause` is what lay behind it."""

    code: str
    message: str
    where: str = ""
    request: str = ""
    retry_after: float | None = None
    cause: Failure | None = None
    rule: str = ""


def failure_of(error: BaseException, *, where: str = "", request: str = "") -> Failure:
    """Return the failure that stands for `error`, its chain of causes included; of a long chain the root is kept.

    An error that is no `CallError` is a `failed` one; its message names its class, unless mads itself wrote it. Never
    raises.
    """
    chain = _chain(error)
    kept = chain if len(chain) <= CAUSES else [*chain[: CAUSES - 1], chain[-1]]
    failure: Failure | None = None
    for link in reversed(kept):
        failure = _failure(link, failure)
    assert failure is not None
    return replace(failure, where=failure.where or where, request=failure.request or request)


def error_of(failure: Failure) -> CallError:
    """Return the error that `failure` stands for, ready to be raised, its chain of causes included."""
    error = _BY_CODE.get(failure.code, Failed)(
        failure.message,
        where=failure.where,
        request=failure.request,
        retry_after=failure.retry_after,
        rule=failure.rule,
    )
    if failure.cause is not None:
        error.__cause__ = error_of(failure.cause)
    return error


def root_of(error: BaseException) -> BaseException:
    """Return the error with which the chain that ends in `error` began."""
    return _chain(error)[-1]


def _chain(error: BaseException) -> list[BaseException]:
    chain = [error]
    while len(chain) < CHAIN:
        last = chain[-1]
        if isinstance(last, MadsError) and not isinstance(last, CallError):  # it says what its cause means
            break
        behind = last.__cause__ or (None if last.__suppress_context__ else last.__context__)
        if behind is None or any(behind is link for link in chain):
            break
        chain.append(behind)
    return chain


def _failure(error: BaseException, cause: Failure | None) -> Failure:
    try:
        words = str(error).encode(errors="replace").decode()
    except Exception:  # noqa: BLE001  an author's `__str__` may do anything
        words = "(its words cannot be told)"
    if len(words) > WORDS:
        words = f"{words[:WORDS]}…"
    if not isinstance(error, Exception) and error.args == (PARKED,):
        return Failure(PARKED, "it gives way to more urgent work")
    if isinstance(error, CallError):
        return Failure(error.code, words, error.where, error.request, error.retry_after, cause, error.rule)
    return Failure("failed", words if isinstance(error, MadsError) else f"{type(error).__name__}: {words}", cause=cause)
