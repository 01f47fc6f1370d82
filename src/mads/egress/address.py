"""Which addresses are public: everything that is reserved, private or a disguise of such a one is not."""

from __future__ import annotations

import socket
from bisect import bisect_right
from ipaddress import IPv4Network, IPv6Network, ip_network

_RESERVED_4 = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    *("224.0.0.0/3", "168.63.129.16/32"),  # the last one tells the machines of one cloud their secrets
)
"""Blocks of the IANA special-purpose registry that are not globally reachable, multicast and what is kept for later."""

_RESERVED_6 = ("2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20")
"""As above, within `2000::/3`; Teredo and 6to4 are among them, for an IPv4 address lies in theirs."""

_CARRIERS = (bytes(10) + b"\xff\xff", bytes.fromhex("0064ff9b") + bytes(8))
"""What stands before an IPv4 address where IPv6 carries it: mapped, and NAT64 by its well-known prefix."""

_ISATAP = b"\x00\x5e\xfe"


def _spans(blocks: tuple[str, ...]) -> tuple[list[bytes], list[bytes]]:
    """Return the first and the last addresses of `blocks`, in order."""
    networks: list[IPv4Network | IPv6Network] = [ip_network(block) for block in blocks]
    pairs = sorted((it.network_address.packed, it.broadcast_address.packed) for it in networks)
    return [first for first, _ in pairs], [last for _, last in pairs]


_FIRST_4, _LAST_4 = _spans(_RESERVED_4)
_FIRST_6, _LAST_6 = _spans(_RESERVED_6)


def packed(address: str) -> bytes | None:
    """Return the 4 or 16 bytes of `address` as it is written canonically or in full; None where it is none.

    Forms with fewer dots, in octal, in hex or with a zone are none.
    """
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except (OSError, ValueError):
        return None


def is_public(address: bytes) -> bool:
    """Return whether an address, as `packed` gives it, is one of the Internet; a disguised one is what it hides."""
    if len(address) == 4:  # noqa: PLR2004  the size of an IPv4 address
        place = bisect_right(_FIRST_4, address) - 1
        return place < 0 or address > _LAST_4[place]
    if address[:12] in _CARRIERS:
        return is_public(address[12:])
    if address[0] >> 5 != 1 or (address[8] & 0xFD == 0 and address[9:12] == _ISATAP):
        return False
    place = bisect_right(_FIRST_6, address) - 1
    return place < 0 or address > _LAST_6[place]
