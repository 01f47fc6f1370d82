"""How much of each cap is spent or stands reserved, by whom: nothing here is awaited, so no two see the same money."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from mads.guard.budget.cap import MICRO, OF, Cap, said
from mads.store.ledger.port import Line, Whose
from mads.wire.errors import Limited
from mads.wire.ledger import Amount

ACCOUNTS = 10_000
"""How many accounts are held before those with nothing open are forgotten; they are summed up anew when needed."""

SOON = 0.1
"""After how many seconds whoever was refused may try again, where only what others have reserved is in the way."""

_Key = tuple[int, str | None, str | None]


class Account:
    """What is spent or reserved of one cap by one of those it is for, how much of it stands, and how many hold it."""

    __slots__ = ("open", "standing", "used")

    def __init__(self, used: int) -> None:
        self.used, self.standing, self.open = used, 0, 0


class Counter:
    """The accounts of one cap, by its window, and by whose they are."""

    __slots__ = ("_begins", "_ends", "accounts", "cap", "of")

    def __init__(self, cap: Cap) -> None:
        self.cap, self.of = cap, OF[cap.unit]
        self.accounts: dict[_Key, Account] = {}
        self._begins = self._ends = 0

    def key(self, line: Line) -> _Key | None:
        """Return which account `line` counts towards; None for none."""
        name, tenant = self.cap.named(line)
        if name is None:
            return None
        if not self._begins <= line.at_us < self._ends:
            window = self.cap.window(line.at_us)
            self._begins, self._ends = round(window.begins * MICRO), round(window.ends * MICRO)
        return self._begins, name, tenant

    def account(self, line: Line) -> Account | None:
        """Return the account that `line` counts towards, where there is one and it is known."""
        key = self.key(line)
        return None if key is None else self.accounts.get(key)


Held = Sequence[tuple[Counter, Account]]
"""The accounts that a reservation stands in."""


class Counters:
    """The accounts of all `caps`."""

    def __init__(self, caps: Sequence[Cap]) -> None:
        self._counters = [Counter(cap) for cap in caps]
        self._count, self._most = 0, ACCOUNTS

    def adopt(self, caps: Sequence[Cap]) -> None:
        """Let as much as `caps` say from now on; each counts as the one in its place did."""
        for counter, cap in zip(self._counters, caps, strict=True):
            counter.cap = cap

    def missing(self, line: Line) -> tuple[Counter, Whose] | None:
        """Return an account that `line` counts towards and that is not known, and whose sum it is."""
        for counter in self._counters:
            key = counter.key(line)
            if key is not None and key not in counter.accounts:
                return counter, next(counter.cap.whose(line))
        return None

    def know(self, counter: Counter, line: Line, used: int) -> None:
        """Begin an account with what the book says."""
        key = counter.key(line)
        if key is not None and key not in counter.accounts:
            self._tidy()
            counter.accounts[key] = Account(used)
            self._count += 1

    def take(self, line: Line) -> Held:
        """Count a reservation, all of whose accounts are known; raise `Limited` where a cap has not enough left."""
        held: list[tuple[Counter, Account]] = []
        amount, is_short = line.amount, False
        for counter in self._counters:
            account = counter.account(line)
            if account is not None:
                held.append((counter, account))
                is_short = is_short or counter.cap.most - account.used < counter.of(amount)
        if is_short:
            raise _refusal(line, held)
        for counter, account in held:
            most = counter.of(amount)
            account.used += most
            account.standing += most
            account.open += 1
        return held

    def settle(self, held: Held, was: Amount, *now: Amount) -> None:
        """Count `now` instead of what stood."""
        for counter, account in held:
            of = counter.of
            stood = of(was)
            account.standing -= stood
            account.used -= stood
            account.open -= 1
            for amount in now:
                account.used += of(amount)

    def correct(self, line: Line, *now: Amount) -> None:
        """Count `now` instead of what a line was that does not stand."""
        for counter in self._counters:
            if account := counter.account(line):
                account.used += sum(map(counter.of, now)) - counter.of(line.amount)

    def _tidy(self) -> None:
        """Forget what nobody holds, where there is too much."""
        if self._count >= self._most:
            for counter in self._counters:
                counter.accounts = {key: account for key, account in counter.accounts.items() if account.open}
            self._count = sum(len(counter.accounts) for counter in self._counters)
            self._most = max(ACCOUNTS, 2 * self._count)


def _refusal(line: Line, held: Held) -> Limited:
    """Return why `line` may not be paid for: of several caps the one that has not enough for the longest time.

    After its window it may be, unless it is more than the cap itself.
    """
    short = [each for each in held if each[0].cap.most - each[1].used < each[0].of(line.amount)]
    ends = {counter.cap: next(counter.cap.whose(line)).until_us for counter, _ in short}
    counter, account = max(short, key=lambda each: ends[each[0].cap])
    cap, asked, until = counter.cap, counter.of(line.amount), ""
    fits = all(it.cap.most - its.used + its.standing >= it.of(line.amount) for it, its in short)
    again = SOON if fits else None
    if cap.period is not None:
        until = f" until {datetime.fromtimestamp(ends[cap] / MICRO, UTC):%Y-%m-%d %H:%M} UTC"
        if again is None and asked <= cap.most:
            again = (ends[cap] - line.at_us) / MICRO
    left = said(max(0, cap.most - account.used), cap.unit)
    stands = f", {said(account.standing, cap.unit)} stand reserved" if account.standing else ""
    told = f"{cap.title}: {left} are left{until}{stands}, and this may take {said(asked, cap.unit)}"
    return Limited(f"{line.what} may not be paid for: {told}", rule=f"budget: {cap.title}", retry_after=again)
