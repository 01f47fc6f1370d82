"""What it costs to look at where a request goes and at what is in it, and how well personal data are found."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from mads.egress.address import is_public, packed
from mads.egress.grants import Grants
from mads.egress.scan import personal
from mads.egress.scan.detector import Detector
from mads.egress.target import target

ROUNDS, COUNT, TEXTS = 7, 200, 600
KINDS = ("email", "card", "iban", "ssn", "phone", "ip")
PROSE = (
    "Dear all, the order of last week has not arrived; the password of the portal, "
    "see https://example.com/help#secret, was changed by task-force 7 on 2026-11-22 at 10:30, version 1.2.3. "
)
FRAMES = (
    "Please write to {}, thanks.",
    '{{"note": "it was {}", "count": 1732285837123}}',
    "ref 4567890123: {}\nPage 10-20",
)


def run() -> dict[str, float]:
    """Return microseconds for an address and a target, milliseconds for 2 KB and a text, and recall and precision."""
    body = (PROSE * 20).encode()[:2048]
    detector, grants = Detector(), Grants(["net:*.example.org", "net:api.example.com"])
    texts = _labelled(random.Random(7))  # noqa: S311  chance makes texts here
    hits = wanted = said = 0
    for text, truth in texts:
        found = {(it.kind, text[it.start : it.end].decode()) for it in personal.found(text)}
        hits, wanted, said = hits + len(found & truth), wanted + len(truth), said + len(found)
    return {
        "address_us": _each(lambda: is_public(packed("2606:2800:220:1:248:1893:25c8:1946") or b"")) * 1000,
        "target_us": _each(lambda: grants.by(target("https://api.example.com/v1/x?y=1"))) * 1000,
        "secrets_2kb_ms": _each(lambda: [*detector.found(body)]),
        "personal_text_ms": _each(lambda: [[*personal.found(text)] for text, _ in texts]) / TEXTS,
        "personal_recall": hits / wanted,
        "personal_precision": hits / said,
    }


def _each(work: Callable[[], object]) -> float:
    """Return the milliseconds of CPU time that `work` takes, the best of a few rounds."""
    costs: list[float] = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for _ in range(COUNT):
            work()
        costs.append((time.thread_time() - began) / COUNT)
    return min(costs) * 1000


def _labelled(chance: random.Random) -> list[tuple[bytes, set[tuple[str, str]]]]:
    """Return texts, and what of which kind is in each: in every second one something, in the others only its like."""
    texts: list[tuple[bytes, set[tuple[str, str]]]] = []
    for number in range(TEXTS):
        kind = chance.choice(KINDS)
        value = _value(kind, chance)
        shown = value if number % 2 else _spoilt(kind, value)
        texts.append((chance.choice(FRAMES).format(shown).encode(), {(kind, value)} if number % 2 else set()))
    return texts


def _digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choices("0123456789", k=count))


def _value(kind: str, chance: random.Random) -> str:
    match kind:
        case "email":
            name, top = chance.choice(("ana", "b.o", "c-d+e")), chance.choice(("org", "co.uk"))
            return f"{name}{_digits(chance, 2)}@mail.example.{top}"
        case "card":
            start = "4" + _digits(chance, 14)
            return next(start + last for last in "0123456789" if _luhn(start + last))
        case "iban":
            account = "37040044" + _digits(chance, 10)
            return f"DE{98 - int(account + '131400') % 97:02}{account}"
        case "ssn":
            return f"{chance.randint(100, 665)}-{chance.randint(10, 99)}-{chance.randint(1000, 9999)}"
        case "phone":
            area, exchange, line = chance.randint(201, 989), chance.randint(201, 989), chance.randint(1000, 9999)
            return chance.choice(
                (f"+1 {area} {exchange} {line}", f"({area}) {exchange}-{line}", f"+49 30 {area}{line}")
            )
        case _:
            return (
                f"{chance.randint(1, 223)}.{chance.randint(0, 255)}.{chance.randint(0, 255)}.{chance.randint(1, 254)}"
            )


def _spoilt(kind: str, value: str) -> str:
    """Return what looks like `value` and is not."""
    match kind:
        case "email":
            return value.replace("@", " at ")
        case "card" | "iban":
            return value[:-1] + str((int(value[-1]) + 1) % 10)
        case "ssn":
            return "000" + value[3:]
        case "phone":
            return value.strip("+").replace(" ", "").replace("(", "").replace(")", "").replace("-", "")
        case _:
            return "version " + value


def _luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0
