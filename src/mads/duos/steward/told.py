"""What is wrong with the code of another MAD is said, and is no failure of the steward."""

from collections.abc import Generator
from contextlib import contextmanager

from mads import Reject
from mads.wire.errors import UsageError


@contextmanager
def told() -> Generator[None]:
    """Reject for the reason that a `UsageError` gives."""
    try:
        yield
    except UsageError as error:
        raise Reject(str(error)) from None
