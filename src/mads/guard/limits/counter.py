"""A counter: what one rule knows of those who share it."""

from __future__ import annotations

from msgspec import Struct

from mads.guard.limits.gcra import SECOND, Gcra
from mads.guard.limits.quota import Quota
from mads.guard.limits.rule import Rule
from mads.guard.limits.slots import Slots
from mads.store.quotas.port import Quotas
from mads.wire.status import LimitUse


class Refusal(Struct, frozen=True):
    """Why a call is refused: the `rule`, in words, and in how many seconds it may be admitted."""

    rule: str
    again: float


class Counter:
    """How often, how many at once and how many a window those have called who share it: `subject` of `tenant`."""

    __slots__ = ("_pace", "_slots", "quota", "rule", "subject", "tenant")

    def __init__(self, rule: Rule, tenant: str, subject: str, store: Quotas) -> None:
        self.rule, self.tenant, self.subject = rule, tenant, subject
        self._pace = None if rule.rate is None else Gcra(rule.rate)
        self._slots = None if rule.at_once is None else Slots(rule.at_once)
        self.quota = None if rule.quota is None else Quota(rule.quota, rule.title, tenant, subject, store)

    def adopt(self, rule: Rule) -> None:
        """Admit as many as `rule` says from now on, which counts as the one before; what is taken stays taken."""
        if rule.rate is not None and rule.rate != self.rule.rate:
            self._pace = Gcra(rule.rate)
        if self._slots is not None and rule.at_once is not None:
            self._slots.most = rule.at_once
        if self.quota is not None and rule.quota is not None:
            self.quota.adopt(rule.quota)
        self.rule = rule

    def refusal(self, monotonic: int, wall: float) -> Refusal | None:
        """Return why one more call is not admitted, None where it is; of several reasons the one that lasts longest."""
        found: Refusal | None = None
        if self._pace is not None and (wait := self._pace.wait(monotonic)):
            found = Refusal(self.rule.told("rate"), wait / SECOND)
        if self._slots is not None and (again := self._slots.wait()):
            found = later(found, Refusal(self.rule.told("at_once"), again))
        if self.quota is not None and (again := self.quota.wait(wall)):
            found = later(found, Refusal(self.rule.told("quota"), again))
        return found

    def take(self, monotonic: int) -> None:
        """Admit a call of which there was no `refusal`; it is to be `free`d."""
        if self._pace is not None:
            self._pace.take(monotonic)
        if self._slots is not None:
            self._slots.take()
        if self.quota is not None:
            self.quota.take()

    def free(self, held: int) -> None:
        """Take note that a call has ended that took so many nanoseconds."""
        if self._slots is not None:
            self._slots.free(held / SECOND)

    def is_fresh(self, monotonic: int, wall: float) -> bool:
        """Return whether nothing is known here that a new counter would not know."""
        return (
            (self._pace is None or self._pace.is_full(monotonic))
            and (self._slots is None or self._slots.taken == 0)
            and (self.quota is None or not self.quota.is_open(wall))
        )

    def use(self, monotonic: int) -> LimitUse:
        """Return how much of its rate and its slots is used."""
        left = None if self._pace is None else self._pace.left(monotonic)
        running = None if self._slots is None else self._slots.taken
        return LimitUse(tenant=self.tenant, subject=self.subject, left=left, running=running)


def later(one: Refusal | None, other: Refusal | None) -> Refusal | None:
    """Return the one that lasts longer."""
    if one is None or other is None:
        return one or other
    return one if one.again >= other.again else other
