"""What a secret may be called, which secrets a pattern means, and to which hosts one may go."""

from __future__ import annotations

import re

from mads.wire.errors import InvalidMessage

LONGEST = 200

_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?|\[[0-9a-f:.]+\](:[0-9]{1,5})?|process")

PROCESS = "process"
"""The host of a secret that may be handed to a child process, in its environment."""


def check_path(path: str) -> None:
    """Raise `InvalidMessage` where `path` cannot be that of a secret."""
    if len(path) > LONGEST or not _PATH.fullmatch(path):
        raise InvalidMessage(
            f"{path!r:.{LONGEST + 10}} cannot be the path of a secret; write letters, digits, _ . - between slashes, "
            f"{LONGEST} at most, as in github/token"
        )


def check_pattern(pattern: str) -> None:
    """Raise `InvalidMessage` where `pattern` means no paths."""
    if pattern != "*":
        check_path(pattern.removesuffix("/*"))


def fits(pattern: str, path: str) -> bool:
    """Return whether `pattern` means `path`: it is that path, or ends in `/*` and the path goes on, or is `*`."""
    return pattern in ("*", path) or (pattern.endswith("/*") and path.startswith(pattern[:-1]))


def check_host(host: str) -> None:
    """Raise `InvalidMessage` where no secret could go to `host`."""
    if not _HOST.fullmatch(host) or int(_port(host) or 1) not in range(1, 65_536):
        raise InvalidMessage(
            f"{host!r} is no host; write a name in small letters as in api.github.com, with a port if it is to be that "
            f"one only (127.0.0.1:8080), *.example.org for all below, or {PROCESS!r} for a child process"
        )


def reaches(allowed: str, host: str) -> bool:
    """Return whether a secret that may go to `allowed` may go to `host`, which has a port; without one any will do."""
    name = host if _port(allowed) else _without_port(host)
    return name.endswith(allowed[1:]) if allowed.startswith("*.") else name == allowed


def _port(host: str) -> str:
    return host.rpartition("]")[2].partition(":")[2]


def _without_port(host: str) -> str:
    port = _port(host)
    return host[: -len(port) - 1] if port else host
