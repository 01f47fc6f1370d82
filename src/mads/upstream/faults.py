"""What goes wrong at an MCP server, as one of our errors.

Every way in which a server can fail is one of: `NoResponder`, it was not reached; `Lost`, it went away, or answered in
no MCP; `DeadlineExceeded`, it took too long; `InvalidMessage` and `Failed`, it refused.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import httpx2
from mcp import MCPError
from mcp_types import CONNECTION_CLOSED, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, REQUEST_TIMEOUT
from pydantic import ValidationError

from mads.wire.errors import CallError, DeadlineExceeded, Failed, InvalidMessage, Lost, NoResponder

HTTP_ERROR = "Server returned an error response"
"""What the SDK says of a status that is neither good nor "not found"."""


def refusal(code: Any, message: str) -> CallError:
    """Return the error of ours for an error of MCP."""
    said = f"{message:.500}"
    match code:
        case _ if code == REQUEST_TIMEOUT:
            return DeadlineExceeded(f"it did not answer in time ({said})")
        case _ if code in (CONNECTION_CLOSED, PARSE_ERROR, INVALID_REQUEST):
            return Lost(f"it did not answer as a server does ({said})")
        case _ if message == HTTP_ERROR:
            return NoResponder("it answered with an HTTP error")
        case _ if code in (INVALID_PARAMS, METHOD_NOT_FOUND):
            return InvalidMessage(said)
        case _:
            return Failed(f"{said} ({code})")


@contextmanager
def typed() -> Generator[None]:
    """Turn whatever the SDK raises into an error of ours."""
    try:
        yield
    except CallError:
        raise
    except MCPError as error:
        raise refusal(error.error.code, error.error.message) from error
    except TimeoutError as error:
        raise DeadlineExceeded("it did not answer in time") from error
    except (ValidationError, ValueError, RuntimeError) as error:
        raise Lost(f"its answer is no MCP: {told(error)}") from error
    except (httpx2.HTTPError, OSError) as error:
        raise NoResponder(told(error)) from error


def first(error: BaseException) -> BaseException:
    """Return the first cause in `error`."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error


def told(error: BaseException) -> str:
    """Return the first cause in `error` in one short line."""
    error = first(error)
    lines = str(error).splitlines() or [type(error).__name__]
    return f"{lines[0]:.300}"
