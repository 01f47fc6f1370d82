"""The ledger in a SQLite database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mads.store.database import Database
from mads.store.ledger.port import LAST, Kind, Line, State, Whose, remaining
from mads.store.sqlite import Connection
from mads.wire.ledger import Amount, By, Reported, Sum
from mads.wire.model import Usage

_FIGURES = ("micro_usd", "calls", "input", "cached", "written", "output", "ms", "saved_usd", "escalated")
_DISPUTE = ("disputed", "reported_usd", "reported_tokens")
_COLUMNS = (
    "at_us",
    "tenant",
    "holder",
    "payer",
    "chain",
    "conversation",
    "trace",
    "what",
    "state",
    *_FIGURES,
    *_DISPUTE,
)
_RESERVE = f"INSERT INTO ledger ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608  names
_SETTLE = f"UPDATE ledger SET state = ?, {', '.join(f'{it} = ?' for it in (*_FIGURES, *_DISPUTE))} WHERE id = ?"  # noqa: S608  names
_LINE = f"SELECT id, {', '.join(_COLUMNS)} FROM ledger"  # noqa: S608  names
_STANDING = f"{_LINE} WHERE id = ? AND (state = 'reserved' AND ?2 IN (holder, '') OR disputed = 1 AND ?2 = '')"
_LINES: dict[Kind | None, str] = {
    None: f"{_LINE} WHERE id > ? ORDER BY id LIMIT ?",
    "reserved": f"{_LINE} WHERE id > ? AND state = 'reserved' ORDER BY id LIMIT ?",
    "open": f"{_LINE} WHERE id > ? AND (state = 'reserved' OR disputed = 1) ORDER BY id LIMIT ?",
}
_LATEST = f"{_LINE} WHERE id < ? AND (?2 = '' OR holder = ?2) ORDER BY id DESC LIMIT ?3"

_STATES = ("state = 'reserved'", "state <> 'reserved'", "disputed = 1")
_NAMES: dict[By, tuple[str, str, str]] = {
    "system": ("''", "''", ""),
    "tenant": ("tenant", "tenant", ""),
    "mad": ("each.value", "''", ", json_each(ledger.chain) AS each"),
    "conversation": ("conversation", "tenant", ""),
    "call": ("trace", "tenant", ""),
    "payer": ("payer", "tenant", ""),
    "model": ("what", "tenant", ""),
}
"""The name by which is summed, the tenant whose it is, and what else has to be looked at, in SQL."""


class SqliteBookings:
    """Keeps lines in `database`, which somebody else closes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, line: Line) -> int:
        """Keep a reservation; return its id."""
        row = _row(line, "reserved", line.amount)

        def work(connection: Connection) -> int:
            connection.execute(_RESERVE, row)
            return connection.last_insert_rowid()

        return await self._database.write(work)

    async def settle(
        self, id_: int, holder: str | None, state: State, amount: Amount, reported: Reported | None = None
    ) -> Line | None:
        """Settle a reservation; return it as it was."""

        def work(connection: Connection) -> Line | None:
            for row in connection.execute(_STANDING, (id_, holder or "")).fetchall():
                connection.execute(_SETTLE, (state, *_figures(amount), *_disputed(reported), id_))
                return _line(*row)
            return None

        return await self._database.write(work)

    async def doubt(self, id_: int, holder: str, known: Amount) -> Line | None:
        """Divide a reservation; return it as it was."""

        def work(connection: Connection) -> Line | None:
            for row in connection.execute(_STANDING, (id_, holder)).fetchall():
                line = _line(*row)
                left = _figures(remaining(line.amount, known))
                connection.execute(_SETTLE, ("reserved", *left, *_disputed(None), id_))
                connection.execute(_RESERVE, _row(line, "spent", known, Reported()))
                return line
            return None

        return await self._database.write(work)

    async def lines(self, *, of: Kind | None = None, after: int = 0, limit: int = 1000) -> Sequence[Line]:
        """Return the first `limit` lines after the id `after`."""
        found = await self._database.read(lambda connection: connection.execute(_LINES[of], (after, limit)).fetchall())
        return [_line(*row) for row in found]

    async def latest(self, *, holder: str = "", before: int = LAST, limit: int = 1000) -> Sequence[Line]:
        """Return the last `limit` lines before the id `before`, newest first."""
        asked = (before, holder, limit)
        found = await self._database.read(lambda connection: connection.execute(_LATEST, asked).fetchall())
        return [_line(*row) for row in found]

    async def sums(self, whose: Whose, limit: int = 1000) -> Sequence[Sum]:
        """Return what was spent and is reserved, those first who spend most."""
        sql, asked = _summing(whose, limit)
        found = await self._database.read(lambda connection: connection.execute(sql, asked).fetchall())
        return [_sum(*row) for row in found]


def _summing(whose: Whose, limit: int) -> tuple[str, tuple[Any, ...]]:
    name, tenant, beside = _NAMES[whose.by]
    fits: list[str] = ["at_us >= ?", "at_us < ?"]
    asked: list[Any] = [whose.since_us, whose.until_us]
    if whose.by != "system":
        fits.append(f"{name} <> ''")
    for column, said in (("tenant", whose.tenant), (name, whose.name)):
        if said is not None:
            fits.append(f"{column} = ?")
            asked.append(said)
    sums = [f"sum({figure}) FILTER (WHERE {which})" for which in _STATES for figure in _FIGURES]
    sql = f"""
        SELECT {name}, {tenant}, {", ".join(sums)} FROM ledger{beside} WHERE {" AND ".join(fits)}
        GROUP BY 1, 2 ORDER BY sum(micro_usd) DESC, sum(input + cached + written + output) DESC LIMIT ?
    """  # noqa: S608  names
    return sql, (*asked, limit)


def _sum(name: str, tenant: str, *figures: int | None) -> Sum:
    many = len(_FIGURES)
    reserved, spent, disputed = (_amount(figures[start : start + many]) for start in range(0, len(figures), many))
    return Sum(name=name, tenant=tenant, reserved=reserved, spent=spent, disputed=disputed)


def _row(line: Line, state: State, amount: Amount, reported: Reported | None = None) -> tuple[Any, ...]:
    whose = (line.at_us, line.tenant, line.holder, line.payer, json.dumps(line.chain), line.conversation, line.trace)
    return (*whose, line.what, state, *_figures(amount), *_disputed(reported))


def _disputed(reported: Reported | None) -> tuple[int, int, int]:
    return (0, 0, 0) if reported is None else (1, reported.micro_usd, reported.tokens)


def _figures(amount: Amount) -> tuple[int, ...]:
    usage = amount.usage
    tokens = (usage.input, usage.cached, usage.written, usage.output)
    return amount.micro_usd, amount.calls, *tokens, amount.ms, amount.saved_usd, amount.escalated


def _amount(figures: Sequence[int | None]) -> Amount:
    micro_usd, calls, *tokens, ms, saved, escalated = (figure or 0 for figure in figures)
    return Amount(micro_usd, Usage(*tokens), calls, ms, saved, escalated)


def _line(id_: int, *row: Any) -> Line:
    columns = dict(zip(_COLUMNS, row, strict=True))
    figures = [columns.pop(figure) for figure in _FIGURES]
    disputed, *said = (columns.pop(column) for column in _DISPUTE)
    chain = tuple(json.loads(columns.pop("chain")))
    return Line(id=id_, chain=chain, amount=_amount(figures), reported=Reported(*said) if disputed else None, **columns)
