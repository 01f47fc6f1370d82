"""Every error of mads, in one tree.

::

    MadsError
    ├── UsageError            a mistake in what was written; its message says the line to write
    │   ├── DeclarationError  a MAD, tool, message or handler is declared wrongly
    │   └── ConfigError       mads.toml asks for something that is not there
    ├── Unreachable           no system answers where one was expected
    ├── NoModel               a question was put to a model and none is configured
    ├── StoreError            what is kept could not be read or written; nothing was acknowledged that is not on disk
    └── CallError             a call was not answered as declared
        ├── NoResponder       nobody serves the subject
        ├── DeadlineExceeded  the answer would come too late
        ├── Overloaded        the callee's inbox is full; `retry_after` says when to come back
        ├── Limited           a rule of mads.toml says how much may be asked for; `rule` says which
        ├── Stopped           the operator has stopped it; `rule` says who did, and why
        ├── Broken            it fails, or takes too long, and is left alone for a while; `retry_after` says how long
        ├── Denied            the caller may not do this
        ├── InvalidMessage    the bytes or arguments do not fit the declared type
        ├── Outdated          the callee was reloaded, and the caller knows it as it was; reload the caller
        ├── CannotAsk         whoever called cannot be asked what the handler asks
        ├── Reject            the handler will never do this, so nobody should ask again
        └── Failed            the handler raised, or answered against its declaration
            └── Lost          the callee's process ended before it answered; whether it acted is unknown

A `CallError` crosses process boundaries as a `Failure` (see `mads.wire.failure`) and arrives as the same class,
with its cause.
"""

from __future__ import annotations


class MadsError(Exception):
    """Something went wrong that mads can name."""


class UsageError(MadsError):
    """What was written cannot work; the message says what to write next."""


class DeclarationError(UsageError):
    """A MAD, tool, message or handler is declared wrongly."""


class ConfigError(UsageError):
    """`mads.toml` asks for something that is not there."""


class Unreachable(MadsError):
    """No running system answers where one was expected."""


class NoModel(MadsError):
    """A question was put to a model and none is configured."""


class StoreError(MadsError):
    """What is kept could not be read or written; nothing was acknowledged that is not on disk."""


class CallError(MadsError):
    """A call was not answered as declared.

    `where` is the MAD at which it failed, `request` the id of the call, `retry_after` seconds or None, `rule` the one
    that decided it, in words, where that is what a rule did.
    """

    code = "failed"

    def __init__(
        self, message: str, *, where: str = "", request: str = "", retry_after: float | None = None, rule: str = ""
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.where = where
        self.request = request
        self.retry_after = retry_after


class NoResponder(CallError):
    """Nobody serves the subject."""

    code = "no_responder"


class DeadlineExceeded(CallError):
    """The answer did not come, or could not come, before the call's deadline."""

    code = "late"


class Overloaded(CallError):
    """The callee's inbox is full; `retry_after` says in how many seconds to come back."""

    code = "overloaded"


class Limited(CallError):
    """A rule refuses more; `retry_after` is None where the same call will never do, for it is too large."""

    code = "limited"


class Stopped(CallError):
    """The operator has stopped what is called; `rule` says who did, since when and why. Nothing was done."""

    code = "stopped"


class Broken(CallError):
    """What is called fails, or takes too long, and is left alone for `retry_after` seconds. Nothing was done."""

    code = "broken"


class Denied(CallError):
    """The caller may not do this."""

    code = "denied"


class InvalidMessage(CallError):
    """The bytes or arguments do not fit the declared type."""

    code = "invalid"


class Outdated(CallError):
    """The callee was reloaded and offers something else since; its caller has to be reloaded as well."""

    code = "outdated"


class CannotAsk(CallError):
    """Whoever called cannot be asked: it is no MCP client, or one that does not know such questions."""

    code = "cannot_ask"


class Reject(CallError):
    """The handler will never do this; raised for a command, it is a dead letter at once."""

    code = "rejected"


class Failed(CallError):
    """The handler raised, or answered against its declaration."""

    code = "failed"


class Lost(Failed):
    """The callee's process ended before it answered; whether it acted is unknown."""

    code = "lost"
