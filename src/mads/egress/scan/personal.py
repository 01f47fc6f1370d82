"""Structured personal data: forms that a checksum, a registry or the words before them confirm."""

from __future__ import annotations

import socket
from bisect import bisect
from collections.abc import Callable, Iterator
from typing import NamedTuple

from mads.egress.scan.finding import Finding
from mads.egress.scan.linear import Pattern, compiled

_IBAN = {
    country: size
    for size, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}
"""How long an IBAN of each country is."""

_CARD = (
    *(((4,), (13, 16, 19)), ((34, 37), (15,)), (range(51, 56), (16,)), (range(2221, 2721), (16,))),
    *((range(300, 306), (14,)), ((36, 38, 39), (14, 16)), ((1800, 2131), (15,)), ((35,), (16, 17, 18, 19))),
    *(
        ((6011, 62, 64, 65, 60, 81, 82), (16, 17, 18, 19)),
        ((50, 56, 57, 58, 63, 67, 69), (12, 13, 14, 15, 16, 17, 18, 19)),
    ),
)
"""How the numbers of cards begin, and how many digits they then have."""

_SHORTEST_CARD = 12

_PREFIXES = {
    str(prefix): {size for prefixes, sizes in _CARD if prefix in prefixes for size in sizes}
    for prefixes, _ in _CARD
    for prefix in prefixes
}

_NEAR = 40
"""Bytes before a number in which a word may say what it is."""

_SAYS_PHONE = compiled(
    r"(?i)(?:phone|\btel\b|telef|handy|call|mobil|\bcell|\bfax|desk|office:|whats ?app|contact|reach|dial|\bsms"
    r"|text (?:me|us)|messages|answering|registered)[^0-9]{0,24}$"
)
_NAMED_PHONE = compiled(r"(?i)^[ ,(\\-]{0,4}(?:office|fax|mobile|desk|home|cell|work|tel)\b")
_SAYS_CARD = compiled(r"(?i)(?:card|\bcc\b|visa|maestro|amex|credit|debit)[^0-9]{0,30}$")
_SAYS_SSN = compiled(r"(?i)(?:ssn|social security|\bss ?#)[^\n]{0,24}$")
_SAYS_VERSION = compiled(
    r"(?i)(?:version|release|\bv|build|section|chapter|§|\b(?:article|clause|part|item|step|figure|table|annex))\s?$"
)
_PICTURE = compiled(r"(?i)^[1-9](?:\.5)?x\.(?:png|jpe?g|gif|svg|webp|avif)$")
"""What follows the `@` in the name of a picture for finer screens."""


_CLEAR_PHONE = compiled(
    r"00[1-9][0-9 ./()-]{6,20}"
    r"|(?:1[ .-]?)?\([2-9][0-9]{2}\) ?[0-9]{3}[ .-][0-9]{4}"
    r"|(?:1[ .-])?[2-9][0-9]{2}(?:-[2-9][0-9]{2}-|\.[2-9][0-9]{2}\.| [2-9][0-9]{2} )[0-9]{4}"
    r"|\(0[1-9][0-9]{0,3}\)[ ./-]?[0-9]{2,8}(?:[ .-][0-9]{2,5}){0,4}"
    r"|0[1-9][0-9]{0,3}(?:[ .-][0-9]{2,5}){2,4}"
    r"|0[1-9][0-9]{1,4}/[0-9]{6,8}"
)
"""What looks like a number that is dialled whatever stands before it."""

_DATE = compiled(r"(?:19|20)[0-9]{2}[-./ ][01][0-9][-./ ][0-3][0-9]|[0-3]?[0-9][-./][01]?[0-9][-./](?:19|20)[0-9]{2}")


class _Around(NamedTuple):
    """The bytes before and after something."""

    before: bytes
    after: bytes


def _digits(text: bytes) -> str:
    return "".join(filter(str.isdigit, text.decode("latin-1")))


def _email(text: bytes, around: _Around) -> bool:
    del around
    name, _, host = text.rpartition(b"@")
    if _PICTURE.search(host):
        return False
    return b".." not in text and not name.endswith(b".") and all(0 < len(part) < 64 for part in host.split(b"."))  # noqa: PLR2004  RFC 1035


def _card(text: bytes, around: _Around) -> bool:
    digits = _digits(text)
    if len(set(digits)) == 1:
        return False
    known = any(len(digits) in _PREFIXES.get(digits[:size], ()) for size in (1, 2, 3, 4))
    return (known or _SAYS_CARD.search(around.before) is not None) and _luhn(digits)


def _luhn(digits: str) -> bool:
    once = sum(map(int, digits[-1::-2]))
    return (once + sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])) % 10 == 0


def _iban(text: bytes, _: _Around) -> bool:
    code = text.decode("latin-1").replace(" ", "").replace("-", "").upper()
    if len(code) != _IBAN.get(code[:2], 0):
        return False
    return int("".join(str(int(char, 36)) for char in code[4:] + code[:4])) % 97 == 1


def _ssn(text: bytes, around: _Around) -> bool:
    digits = _digits(text)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if area in ("000", "666") or area >= "900" or group == "00" or serial == "0000":
        return False
    return not text.isdigit() or _SAYS_SSN.search(around.before) is not None


def _phone(text: bytes, around: _Around) -> bool:
    digits = _digits(text)
    if not 7 <= len(digits) <= 15 or len(set(digits)) < 3:  # noqa: PLR2004  E.164
        return False
    clear = text.startswith(b"+") or _CLEAR_PHONE.fullmatch(text)
    if clear or _SAYS_PHONE.search(around.before) or _NAMED_PHONE.search(around.after):
        return not _DATE.fullmatch(text)
    return False


def _ip(text: bytes, around: _Around) -> bool:
    address = text.decode("latin-1")
    try:
        packed = socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except OSError:
        return False
    return any(packed[:-1]) and not (len(packed) == 4 and _SAYS_VERSION.search(around.before))  # noqa: PLR2004  IPv4


_LETTER = r"[\xc3-\xdf][\x80-\xbf]"
"""A letter of two bytes in UTF-8, from Latin to Arabic; one of three may be a word before the address."""

_KINDS: tuple[tuple[str, Pattern, Callable[[bytes, _Around], bool]], ...] = (
    (
        "email",
        compiled(
            rf"((?:[A-Za-z0-9._%+'-]|{_LETTER}){{1,64}}"
            r"@(?:[A-Za-z0-9\x80-\xff-]{1,63}\.){1,8}[A-Za-z\x80-\xff]{2,24})"
        ),
        _email,
    ),
    ("iban", compiled(r"(?i)(?:^|[^A-Z0-9])([A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,31})"), _iban),
    ("card", compiled(r"(?:^|[^0-9.+-])([0-9](?:[ -]?[0-9]){11,18})(?:$|[^0-9])"), _card),
    (
        "ssn",
        compiled(r"(?:^|[^0-9-])([0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{3} [0-9]{2} [0-9]{4}|[0-9]{9})(?:$|[^0-9-])"),
        _ssn,
    ),
    ("ip", compiled(r"(?:^|[^0-9.A-Za-z-])([0-9]{1,3}(?:\.[0-9]{1,3}){3})(?:$|[^0-9A-Za-z.-]|\.(?:$|[^0-9]))"), _ip),
    ("ip", compiled(r"(?i)(?:^|[^0-9a-z:.])([0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,8})(?:$|[^0-9a-z:])"), _ip),
    (
        "phone",
        compiled(
            r"(?:^|[^A-Za-z0-9.+_(-])("
            r"(?:\+|00)[1-9][0-9]{0,2}(?:[ ./-]{0,2}\(?[0-9]{1,5}\)?){2,6}"
            r"|(?:1[ .-]?)?\(?[0-9]{2,5}(?:\)[ ./-]{0,2}|[ ./-]{1,2})[0-9]{2,8}(?:[ ./-]{1,2}[0-9]{2,8}){0,3}"
            r"|[0-9]{7,12}"
            r")(?:$|[^0-9])"
        ),
        _phone,
    ),
)
"""What is looked for, in this order: what lies within something found before is that."""

_BETWEEN = b" -./()"
"""What may stand between the parts of a number."""

_PARTS = 2
"""How many parts of what is nothing may each be the beginning of something."""

_SIGNS = compiled(r"[0-9@:]")


def found(body: bytes) -> Iterator[Finding]:
    """Yield the personal data in `body`."""
    taken: list[tuple[int, int]] = []  # where something begins and ends, in order
    if not _SIGNS.search(body):
        return
    for kind, pattern, holds in _KINDS:
        at = misses = 0
        while match := pattern.search(body, at):
            start, last = match.span(1)
            place = bisect(taken, (start, len(body)))
            before, after = taken[place - 1 : place], taken[place : place + 1]
            end = min([last, *(first for first, _ in after)])
            end = start + len(body[start:end].rstrip(_BETWEEN))
            is_taken = any(start < its for _, its in before)
            fitting = 0 if is_taken else _fitting(kind, body, start, end, holds)
            if fitting:
                taken.insert(place, (start, fitting))
                yield Finding(start, fitting, kind, "personal")
            misses = 0 if fitting or misses == _PARTS else misses + 1
            at = max(fitting or (_next(body, start, last) if misses else last), at + 1)


def _next(body: bytes, start: int, end: int) -> int:
    """Return where to look on after what is nothing: a part of it may be the beginning of something."""
    return next((at for at in range(start, end) if body[at] in _BETWEEN), end)


def _fitting(kind: str, body: bytes, start: int, end: int, holds: Callable[[bytes, _Around], bool]) -> int:
    """Return where what begins at `start` ends, at `end` at the latest; 0 where it is nothing."""
    around = _Around(body[max(0, start - _NEAR) : start], body[end : end + _NEAR])
    if kind == "iban":  # the words after it look like more of it
        country = body[start : start + 2].decode("latin-1").upper()
        end = _after(body, start, end, _IBAN.get(country, 0))
    if kind == "ip" and body[start:end].endswith(b":") and not body[start:end].endswith(b"::"):
        end -= 1  # a colon after it is the text's
    if end and holds(body[start:end], around):
        return end
    shorter = body.rfind(b" ", start + _SHORTEST_CARD, end) if kind == "card" else -1
    return 0 if shorter < 0 else _fitting(kind, body, start, shorter, holds)


def _after(body: bytes, start: int, end: int, count: int) -> int:
    """Return where `count` letters and digits from `start` end; 0 where there are fewer, or one more follows."""
    left = count
    for place in range(start, end):
        left -= body[place : place + 1].isalnum()
        if not left:
            return 0 if body[place + 1 : place + 2].isalnum() else place + 1
    return 0
