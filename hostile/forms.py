"""Forms under which somebody writes an address of the inside: the corpus that is generated anew at each run."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

INSIDE = (
    *("127.0.0.1", "127.127.127.127", "127.0.0.53", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.0.1"),  # noqa: S104
    *("169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "198.18.0.1", "224.0.0.1"),
)
"""Addresses that nobody outside may have fetched: this machine, its network, and where clouds keep credentials."""

NAMES = (
    *("localhost", "LOCALHOST", "localhost.", "localhost.localdomain", "ip6-localhost", "x.localhost", "in.test"),
    *("127.0.0.1.in.test", "169-254-169-254.in.test", "metadata.in.test", "mixed.test", "many.test", "mapped.test"),
)
"""Names that lead inside, as the resolver of the run answers them."""

CIRCLED = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")  # noqa: RUF001
SCHEMES = (
    "file",
    "gopher",
    "dict",
    "ftp",
    "sftp",
    "tftp",
    "ldap",
    "jar:http",
    "netdoc",
    "data",
    "ws",
    "view-source:http",
)


def hosts(inside: str) -> Iterator[str]:
    """Yield the forms of one IPv4 address as a host."""
    address = IPv4Address(inside)
    number, parts = int(address), inside.split(".")
    a, b, c, d = map(int, parts)
    yield from (inside, f"{inside}.", str(number), hex(number), f"0{number:o}", str(number + 2**32), f"{hex(number)}.")
    yield from (".".join(map(hex, (a, b, c, d))), ".".join(f"0{part:o}" for part in (a, b, c, d)))
    yield from (
        ".".join(f"000000{part:o}" for part in (a, b, c, d)),
        ".".join(f"0x0000{part:x}" for part in (a, b, c, d)),
    )
    yield from (f"{a}.{(b << 16) + (c << 8) + d}", f"{a}.{b}.{(c << 8) + d}", f"{hex(a)}.{b}.0{c:o}.{d}")
    yield from (f"{a + 256}.{b}.{c}.{d}", f"{a}.{b}.{c}.{d + 256}", f"0{a}.{b}.{c}.{d}", f"{a}.{b}.{c}.0{d:o}")
    yield from (
        inside.replace(".", "。"),
        inside.replace(".", "．"),  # noqa: RUF001
        inside.replace(".", "｡"),
        inside.replace(".", "%2e"),
    )
    yield from (inside.translate(CIRCLED), inside.translate(WIDE), "".join(f"%{ord(char):02x}" for char in inside))
    yield from (
        f"{inside}.in.test",
        f"{inside.replace('.', '-')}.in.test",
        f"{inside}%00.example.com",
        f"{inside}%0d%0a",
    )
    yield from (f"[{six}]" for six in sixes(address))


def sixes(address: IPv4Address) -> Iterator[str]:
    """Yield the IPv6 addresses that carry an IPv4 address."""
    four = address.packed
    told = (
        bytes(10) + b"\xff\xff" + four,
        bytes(12) + four,
        bytes(8) + b"\xff\xff\x00\x00" + four,
        bytes.fromhex("0064ff9b") + bytes(8) + four,
        bytes.fromhex("0064ff9b0001") + bytes(6) + four,
        b"\x20\x02" + four + bytes(10),
        bytes.fromhex("20010000") + bytes(8) + bytes(255 - byte for byte in four),
        bytes.fromhex("fe80000000000000") + b"\x00\x00\x5e\xfe" + four,
        bytes.fromhex("2606470000000000") + b"\x02\x00\x5e\xfe" + four,
    )
    for packed in told:
        six = IPv6Address(packed)
        yield from (str(six), six.exploded, f"{six}%25lo", f"{six}%lo")
    yield from (f"::ffff:{address}", f"::{address}", f"0:0:0:0:0:ffff:{address}", f"::FFFF:{address}")


def urls(port: int) -> list[str]:
    """Return every form as a URL, with `port` and without, and URLs that parsers read in different ways."""
    found = [
        url for inside in INSIDE for host in hosts(inside) for url in (f"http://{host}/", f"http://{host}:{port}/")
    ]
    found += [
        f"http://{host}{tail}"
        for host in (*NAMES, "[::1]", "[::]", "[0::1]", "[::1%25lo]")
        for tail in ("/", f":{port}/")
    ]
    found += [f"https://{host}:{port}/" for host in (*NAMES, "127.0.0.1", "[::1]")]
    for here in (f"127.0.0.1:{port}", f"[::1]:{port}", "169.254.169.254"):
        found += [f"{scheme}://{here}/" for scheme in SCHEMES]
        found += [
            *(
                f"http://example.com@{here}/",
                f"http://a:b@{here}/",
                f"http://{here}#@example.com/",
                f"http://{here}?@example.com/",
            ),
            *(f"http://example.com\\@{here}/", f"http://{here}\\@example.com/", f"http://example.com:80@{here}/"),
            *(
                f"http:/{here}/",
                f"http:{here}/",
                f"//{here}/",
                f"http:///{here}/",
                f"http:\\\\{here}\\",
                f"HtTp://{here}/",
            ),
            *(
                f" http://{here}/",
                f"http://{here}\t/",
                f"http://\t{here}/",
                f"ht\ntp://{here}/",
                f"http://{here}\r\nX: y/",
            ),
            *(
                f"http://{here}/%0d%0aHost:%20x",
                f"http://example.com@@{here}/",
                f"http://[{here}]/",
                f"http://{here}:80:80/",
            ),
            *(
                f"http://0@{here}/",
                f"http://%40{here}/",
                f"http://\u200b{here}/",
                f"http://\u00ad{here}/",
                f"http://{here}\u3002/",
            ),
        ]
    return [*dict.fromkeys(found)]


def answers(host: str) -> list[str] | None:
    """Return what the resolver of the run says of a name; None where it knows none, as of an address."""
    outside = "93.184.216.34"
    name = host.lower().removesuffix(".")
    if name == "mixed.test":
        return [outside, "127.0.0.1"]
    if name == "many.test":
        return [*(f"93.184.216.{number}" for number in range(1, 40)), "127.0.0.1"]
    if name == "mapped.test":
        return ["::ffff:127.0.0.1"]
    if name.endswith("in.test") or "localhost" in name:
        return ["127.0.0.1"]
    return [outside] if name.endswith((".com", ".test")) else None


def numeric(host: str, port: int) -> list[str]:
    """Return what a machine's resolver makes of `host`, which takes odd forms for addresses."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return [str(address[0]) for *_, address in found]
