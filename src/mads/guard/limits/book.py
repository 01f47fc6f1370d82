"""All counters of one system, and which of them hold whose calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mads.guard.limits.counter import Counter
from mads.guard.limits.quota import Quota
from mads.guard.limits.rule import Rule
from mads.guard.principals import OPERATOR
from mads.guard.rights.policy import Policy
from mads.store.quotas.port import Account, Quotas
from mads.wire.call import Identity
from mads.wire.record import Decision
from mads.wire.served import Served

COUNTERS = 10_000
"""How many counters there may be before those that know nothing any more are looked for."""

CALLERS = 4096
"""For how many callers of one tool it is remembered what holds them."""

EXEMPT = "steward"
"""The MAD at which the operator has no limit, or a rule could keep him from seeing what it does."""

MONTH = 31 * 86400
"""For how long a window is kept that has ended, in seconds: the clock may be set back."""


class Clock(Struct, frozen=True):
    """`monotonic` tells nanoseconds that are never set back, `wall` seconds since 1970."""

    monotonic: Callable[[], int] = time.monotonic_ns
    wall: Callable[[], float] = time.time


class Bound(Struct, frozen=True):
    """Bytes that are admitted, and the rule that says so."""

    most: int
    rule: str


class Held(Struct, frozen=True):
    """What holds the calls of one caller to one tool: `counters`, the `quotas` among them, and bytes."""

    counters: tuple[Counter, ...] = ()
    quotas: tuple[Quota, ...] = ()
    size: Bound | None = None
    reply: Bound | None = None
    decisions: tuple[Decision, ...] = ()


FREE = Held()
"""Nothing holds them."""

Known = dict[Identity, Held]
"""What holds the calls to one tool, by whom they are."""


class Book:
    """The counters of `rules`, made when they are first needed; what its quotas have used is in `store`.

    Which roles somebody has is what `policy` says.
    """

    store: Quotas

    def __init__(self, rules: Sequence[Rule], policy: Policy, clock: Clock | None = None) -> None:
        self.rules, self.clock = tuple(rules), clock or Clock()
        self._policy, self._revision = policy, policy.revision
        self._counters: dict[tuple[Rule, str, str], Counter] = {}
        self._most = COUNTERS
        self._known: dict[str, Known] = {}

    def adopt(self, rules: Sequence[Rule]) -> bool:
        """Admit as many as `rules` say from now on; return False, and change nothing, where they count otherwise."""
        if len(rules) != len(self.rules) or not all(map(Rule.counts_as, rules, self.rules)):
            return False
        anew = dict(zip(self.rules, rules, strict=True))
        self.rules = tuple(rules)
        for (rule, _, _), counter in self._counters.items():
            counter.adopt(anew[rule])
        self._counters = {
            (anew[rule], tenant, whom): counter for (rule, tenant, whom), counter in self._counters.items()
        }
        self._forget()
        return True

    def known(self, name: str) -> Known:
        """Return where to remember what `held` returns for the tool of that name; it is emptied now and then."""
        known = self._known.setdefault(name, {})
        known.clear()  # a MAD that was reloaded may be held by other rules
        return known

    def held(self, known: Known, who: Identity, served: Served) -> Held:
        """Return what holds the calls of `who` to `served`, and remember it."""
        if len(known) >= CALLERS:
            known.clear()
        known[who] = held = FREE if _is_exempt(who, served) else self._held(who, served)
        return held

    def look(self) -> None:
        """Forget who is held by what, where roles may have changed."""
        if self._policy.revision != self._revision:
            self._revision = self._policy.revision
            self._forget()

    def counters(self) -> list[Counter]:
        """Return those that know something."""
        now, today = self.clock.monotonic(), self.clock.wall()
        return [counter for counter in self._counters.values() if not counter.is_fresh(now, today)]

    async def accounts(self) -> list[tuple[Account, int]]:
        """Return every quota whose window has not ended, and how much of it was used."""
        found = await self.store.used(round(self.clock.wall() * 1000))
        leased = {it.account: it.leased for it in self._quotas()}
        return [(account, used - leased.get(account, 0)) for account, used in found]

    async def close(self) -> None:
        """Give back what was leased of quotas and not used, and forget the windows that ended long ago."""
        rests = [rest for it in self._quotas() if (rest := it.rest())[1]]
        if rests:
            await self.store.credit(rests)
        if any(rule.quota is not None for rule in self.rules):
            await self.store.forget(round((self.clock.wall() - MONTH) * 1000))

    def _quotas(self) -> list[Quota]:
        return [counter.quota for counter in self._counters.values() if counter.quota is not None]

    def _held(self, who: Identity, served: Served) -> Held:
        who = replace(who, roles=self._policy.roles(who))
        rules = [rule for rule in self.rules if rule.is_for(served) and rule.is_of(who)]
        if not rules:
            return FREE
        counters = [
            self._counter(rule, tenant, subject)
            for rule in rules
            if rule.counts
            for tenant, subject in rule.subjects(who, served)
        ]
        return Held(
            counters=tuple(counters),
            quotas=tuple(counter.quota for counter in counters if counter.quota is not None),
            size=_least([Bound(rule.size, rule.told("size")) for rule in rules if rule.size is not None]),
            reply=_least([Bound(rule.reply, rule.told("reply")) for rule in rules if rule.reply is not None]),
            decisions=tuple(Decision("limits", allowed=True, rule=rule.title) for rule in rules),
        )

    def _counter(self, rule: Rule, tenant: str, subject: str) -> Counter:
        key = (rule, tenant, subject)
        if key not in self._counters:
            if len(self._counters) >= self._most:
                self._tidy()
            self._counters[key] = Counter(rule, tenant, subject, self.store)
        return self._counters[key]

    def _tidy(self) -> None:
        """Forget the counters that know nothing; whoever remembers one has to ask again."""
        now, today = self.clock.monotonic(), self.clock.wall()
        kept = {key: counter for key, counter in self._counters.items() if not counter.is_fresh(now, today)}
        self._counters, self._most = kept, max(COUNTERS, 2 * len(kept))
        self._forget()

    def _forget(self) -> None:
        for known in self._known.values():
            known.clear()


def _is_exempt(who: Identity, served: Served) -> bool:
    return who.principal == OPERATOR and served.mad == EXEMPT


def _least(bounds: Sequence[Bound]) -> Bound | None:
    return min(bounds, key=lambda bound: bound.most, default=None)
