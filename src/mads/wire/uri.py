"""Where a resource stands: an address, or a template of addresses after RFC 6570, as in `notes://{about}`.

`{name}` stands for one segment, `{+name}` for the rest with its slashes; both at least for one character.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from mads.wire.errors import DeclarationError

_VARIABLE = re.compile(r"\{(\+?)([A-Za-z_][A-Za-z0-9_]*)\}")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s{}<>\"\\^`|]+")


class Address:
    """A resource's address as its author wrote it; raises `DeclarationError` where it is none."""

    def __init__(self, written: str) -> None:
        self.written = written
        parts = _VARIABLE.split(written)
        self.variables = tuple(parts[2::3])
        plain = _VARIABLE.sub("x", written)
        if not _ADDRESS.fullmatch(plain) or len({*self.variables}) < len(self.variables):
            raise DeclarationError(
                f"{written!r} is no address of a resource; write a scheme and what follows it, each argument once: "
                '"notes://all", "notes://{about}", "files:///{+path}"'
            )
        self.weight = sum(map(len, parts[::3]))
        """How many of its characters are its own: where two templates fit, the heavier one is meant."""
        self.shape = _VARIABLE.sub(lambda found: f"{{{found[1]}}}", written)
        """The same for two templates that differ in nothing but the names of their arguments."""
        pieces = [re.escape(parts[0])]
        for sign, _, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
            pieces += ["(.+)" if sign else "([^/?#]+)", re.escape(after)]
        self._pattern = re.compile("".join(pieces), re.DOTALL)

    def read(self, uri: str) -> dict[str, str] | None:
        """Return what stands in `uri` for each variable; None where it is no address of this resource."""
        found = self._pattern.fullmatch(uri)
        return None if found is None else dict(zip(self.variables, map(unquote, found.groups()), strict=True))
