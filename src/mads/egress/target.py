"""Where a URL leads, read once and strictly: what could be read in two ways is refused."""

from __future__ import annotations

import re
import socket
from urllib.parse import quote, urljoin

import idna
from msgspec import Struct

from mads.egress.address import packed
from mads.wire.errors import InvalidMessage

LONGEST = 8192
"""Characters that a URL may have."""

PORTS = {"http": 80, "https": 443}
"""The schemes that may leave, and the port of each where a URL names none."""

_URL = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]%@]+))(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_KEPT = "!#$%&'()*+,-./:;=?@[]_~|{}^`<>\""
"""What stays as it is in a path; the rest is not ASCII."""


class Target(Struct, frozen=True):
    """A scheme, a host in its one spelling (an IPv6 address without brackets), a port, and what is asked for there."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """What must be the same for two targets to trust each other."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """The host, and the port where it is not the usual one, as the header `Host` names them."""
        return self.door.removesuffix(f":{PORTS[self.scheme]}")

    @property
    def door(self) -> str:
        """The host and the port, whichever it is."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole URL."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def place(self) -> str:
        """The URL without its query, which may say what is nobody's business."""
        return self.url.partition("?")[0]


def target(url: str) -> Target:
    """Return where `url` leads; raise `InvalidMessage` where it is none that may be asked for, or not clearly one."""
    if len(url) > LONGEST or _UNSAFE.search(url):
        raise InvalidMessage(f"{url!r:.200} is no URL: write at most {LONGEST} characters, no space, no backslash")
    read = _URL.fullmatch(url)
    if read is None:
        raise InvalidMessage(f"{url!r:.200} is no URL that may be asked for; write http://HOST/… or https://HOST/…")
    scheme, authority, path, query = read[1].lower(), read[2], read[3], read[4] or ""
    if "@" in authority:
        raise InvalidMessage("a URL may hold no credentials; send them as a header, from a secret")
    host, port = place(authority)
    return Target(scheme, host, port or PORTS[scheme], quote(f"{path or '/'}{query}", safe=_KEPT))


def place(authority: str) -> tuple[str, int | None]:
    """Return the host and the port that `authority` names, each in its one spelling; raise `InvalidMessage`."""
    read = _HOST.fullmatch(authority)
    if read is None:
        raise InvalidMessage(f"{authority!r:.200} is no host; write NAME, NAME:PORT or [IPV6]:PORT")
    six, name, port = read.groups()
    number = int(port) if port else None
    if number is not None and not 1 <= number <= 65535:  # noqa: PLR2004  the ports that there are
        raise InvalidMessage(f"{authority!r:.200} has no port from 1 to 65535")
    return (_six(six) if six else _name(name)), number


def redirected(here: Target, location: str) -> Target:
    """Return where `location`, as the answer to a request of `here` gives it, leads."""
    if _UNSAFE.search(location):
        raise InvalidMessage(f"{here.place} leads on to {location!r:.200}, which is no URL")
    try:
        return target(urljoin(here.url, location))
    except ValueError:
        raise InvalidMessage(f"{here.place} leads on to {location!r:.200}, which is no URL") from None


def _six(written: str) -> str:
    address = packed(written)
    if address is None or len(address) != 16:  # noqa: PLR2004  the size of an IPv6 address
        raise InvalidMessage(f"[{written:.100}] is no IPv6 address")
    return socket.inet_ntop(socket.AF_INET6, address)


def _name(written: str) -> str:
    """Return a host's name, or its IPv4 address, in lower case and ASCII."""
    host = written.lower() if written.isascii() else _ascii(written)
    labels = host.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        address = packed(host)
        if address is None or socket.inet_ntop(socket.AF_INET, address) != host or host != written:
            raise InvalidMessage(f"{written!r:.100} is an odd form of an address; write four decimal numbers")
        return host
    if not all(map(_LABEL.fullmatch, labels)) or len(host) > 253:  # noqa: PLR2004  RFC 1035
        raise InvalidMessage(f"{written!r:.100} is no host name")
    return ".".join(labels)


def _ascii(written: str) -> str:
    try:
        return idna.encode(written, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        raise InvalidMessage(f"{written!r:.100} is no host name") from None
