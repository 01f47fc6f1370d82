"""The ledger in memory: the twin for tests, which keeps every promise but the one about crashes."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from mads.store.ledger.port import LAST, Kind, Line, State, Whose, remaining
from mads.wire.ledger import NOTHING, Amount, By, Reported, Sum
from mads.wire.model import Usage

_Name = tuple[str, str]


class MemoryBookings:
    """Keeps lines for as long as it lives."""

    def __init__(self) -> None:
        self._lines: dict[int, Line] = {}

    async def reserve(self, line: Line) -> int:
        """Keep a reservation; return its id."""
        id_ = len(self._lines) + 1
        self._lines[id_] = replace(line, id=id_, state="reserved")
        return id_

    async def settle(
        self, id_: int, holder: str | None, state: State, amount: Amount, reported: Reported | None = None
    ) -> Line | None:
        """Settle a reservation; return it as it was."""
        line = self._standing(id_, holder)
        if line is not None:
            self._lines[id_] = replace(line, state=state, amount=amount, reported=reported)
        return line

    async def doubt(self, id_: int, holder: str, known: Amount) -> Line | None:
        """Divide a reservation; return it as it was."""
        line = self._standing(id_, holder)
        if line is not None:
            self._lines[id_] = replace(line, amount=remaining(line.amount, known))
            other = len(self._lines) + 1
            self._lines[other] = replace(line, id=other, state="spent", amount=known, reported=Reported())
        return line

    async def lines(self, *, of: Kind | None = None, after: int = 0, limit: int = 1000) -> Sequence[Line]:
        """Return the first `limit` lines after the id `after`."""
        return [line for id_, line in self._lines.items() if id_ > after and _is_of(line, of)][:limit]

    def _standing(self, id_: int, holder: str | None) -> Line | None:
        line = self._lines.get(id_)
        if line is None or holder not in (None, line.holder):
            return None
        return line if _is_of(line, "open" if holder is None else "reserved") else None

    async def latest(self, *, holder: str = "", before: int = LAST, limit: int = 1000) -> Sequence[Line]:
        """Return the last `limit` lines before the id `before`, newest first."""
        found = [line for line in reversed(self._lines.values()) if line.id < before and holder in ("", line.holder)]
        return found[:limit]

    async def sums(self, whose: Whose, limit: int = 1000) -> Sequence[Sum]:
        """Return what was spent and is reserved, those first who spend most."""
        sums: dict[_Name, Sum] = {}
        for line in self._lines.values():
            if whose.since_us <= line.at_us < whose.until_us and whose.tenant in (None, line.tenant):
                for key in _names(whose.by, line):
                    if whose.name in (None, key[0]):
                        sums[key] = _added(sums.get(key), key, line)
        return sorted(sums.values(), key=_most, reverse=True)[:limit]


def _is_of(line: Line, of: Kind | None) -> bool:
    return of is None or line.state == "reserved" or (of == "open" and line.reported is not None)


def _names(by: By, line: Line) -> list[_Name]:
    if by == "system":
        return [("", "")]
    if by == "mad":
        return [(mad, "") for mad in line.chain]
    names = {
        "tenant": line.tenant,
        "conversation": line.conversation,
        "call": line.trace,
        "payer": line.payer,
        "model": line.what,
    }
    return [(names[by], line.tenant)] if names[by] else []


def _added(before: Sum | None, key: _Name, line: Line) -> Sum:
    found = before or Sum(name=key[0], tenant=key[1], spent=NOTHING, reserved=NOTHING)
    if line.state == "reserved":
        return replace(found, reserved=_plus(found.reserved, line.amount))
    disputed = found.disputed if line.reported is None else _plus(found.disputed, line.amount)
    return replace(found, spent=_plus(found.spent, line.amount), disputed=disputed)


def _plus(one: Amount, other: Amount) -> Amount:
    first, second = one.usage, other.usage
    usage = Usage(
        first.input + second.input,
        first.cached + second.cached,
        first.written + second.written,
        first.output + second.output,
    )
    return Amount(
        one.micro_usd + other.micro_usd,
        usage,
        one.calls + other.calls,
        one.ms + other.ms,
        one.saved_usd + other.saved_usd,
        one.escalated + other.escalated,
    )


def _most(found: Sum) -> tuple[int, int]:
    both = _plus(found.spent, found.reserved)
    return both.micro_usd, both.usage.total
