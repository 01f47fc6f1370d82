"""The rules and how much of them is used, as whoever asks may see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from mads.guard.limits.book import Book
from mads.guard.limits.rule import Rule
from mads.guard.principals import theirs
from mads.guard.window import window_at
from mads.store.quotas.port import Account
from mads.wire.status import LimitInfo, LimitUse

Uses = dict[tuple[str, str], LimitUse]
"""What is used of one rule, by tenant and subject."""


async def shown(book: Book) -> Sequence[LimitInfo]:
    """Return every rule of `book`, with what is used of it: what whoever makes the call being handled may see."""
    tenant, now = theirs(), book.clock.monotonic()
    uses: dict[Rule, Uses] = {rule: {} for rule in book.rules}
    for counter in book.counters():
        uses[counter.rule][counter.tenant, counter.subject] = counter.use(now)
    for rule in book.rules:
        if rule.quota is not None:
            window = window_at(rule.quota.period, book.clock.wall()).name
            for account, used in await book.accounts():
                if (account.rule, account.window) == (rule.title, window):
                    _count(uses[rule], account, used)
    return [_info(rule, _theirs(uses[rule], tenant)) for rule in book.rules]


def _theirs(uses: Uses, tenant: str | None) -> list[LimitUse]:
    return [use for use in uses.values() if tenant is None or use.tenant in ("", tenant)]


def _count(uses: Uses, account: Account, used: int) -> None:
    """Add to `uses` how much is used of a quota."""
    key = (account.tenant, account.subject)
    known = uses.get(key) or LimitUse(tenant=account.tenant, subject=account.subject)
    ends = datetime.fromtimestamp(account.ends / 1000, UTC).isoformat(timespec="seconds")
    uses[key] = replace(known, used=used, ends=ends)


def _info(rule: Rule, uses: Sequence[LimitUse]) -> LimitInfo:
    return LimitInfo(
        rule=rule.title,
        rate=None if rule.rate is None else str(rule.rate),
        at_once=rule.at_once,
        size=rule.size,
        reply=rule.reply,
        quota=None if rule.quota is None else str(rule.quota),
        uses=tuple(sorted(uses, key=lambda use: (use.tenant, use.subject))),
    )
