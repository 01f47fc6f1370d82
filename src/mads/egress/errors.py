"""What goes wrong on the network, as errors of mads, without a word of what was sent."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import httpcore2

from mads.egress.target import Target
from mads.wire.errors import DeadlineExceeded, Failed, NoResponder, Overloaded


@contextmanager
def told(to: Target) -> Generator[None]:
    """Raise the `CallError` that stands for what goes wrong with `to` within the block."""
    try:
        yield
    except (httpcore2.ConnectTimeout, httpcore2.ConnectError) as error:
        why = "it takes too long" if isinstance(error, httpcore2.TimeoutException) else _words(error)
        raise NoResponder(f"{to.authority} cannot be connected to: {why}", retry_after=1.0) from None
    except httpcore2.PoolTimeout:
        raise Overloaded(f"no connection to {to.authority} became free", retry_after=1.0) from None
    except httpcore2.TimeoutException:
        raise DeadlineExceeded(f"{to.authority} has been silent for too long") from None
    except httpcore2.LocalProtocolError:
        raise Failed(f"the request of {to.place} cannot be written") from None  # its words quote what was to be sent
    except (httpcore2.NetworkError, httpcore2.RemoteProtocolError, httpcore2.ProtocolError) as error:
        raise Failed(f"{to.authority} broke off, or does not speak HTTP: {_words(error)}") from None


def _words(error: Exception) -> str:
    return f"{error}"[:200] or type(error).__name__
