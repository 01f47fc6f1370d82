"""The ledger in a SQLite database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mads.store.database import Database
from mads.store.ledger.port import Line, State
from mads.store.sqlite import Connection
from mads.wire.ledger import Amount
from mads.wire.model import Usage

_RESERVE = """
    INSERT INTO ledger (at_us, tenant, holder, payer, conversation, what, state, micro_usd, calls, input, cached,
                        written, output)
    VALUES (?, ?, ?, ?, ?, ?, 'reserved', ?, ?, ?, ?, ?, ?)
"""
_SETTLE = """
    UPDATE ledger SET state = ?, micro_usd = ?, calls = ?, input = ?, cached = ?, written = ?, output = ?
    WHERE id = ? AND holder = ? AND state = 'reserved'
"""
_LINES = """
    SELECT id, at_us, tenant, holder, payer, conversation, what, state, micro_usd, calls, input, cached, written, output
    FROM ledger WHERE id > ? AND (? IS NULL OR state = ?) ORDER BY id LIMIT ?
"""


class SqliteBookings:
    """Keeps lines in `database`, which somebody else closes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, line: Line) -> int:
        """Keep a reservation; return its id."""
        whose = (line.at_us, line.tenant, line.holder, line.payer, line.conversation, line.what)

        def work(connection: Connection) -> int:
            connection.execute(_RESERVE, (*whose, *_figures(line.amount)))
            return connection.last_insert_rowid()

        return await self._database.write(work)

    async def settle(self, id_: int, holder: str, state: State, amount: Amount) -> bool:
        """Settle what `holder` reserved; return whether there was such a reservation."""

        def work(connection: Connection) -> bool:
            connection.execute(_SETTLE, (state, *_figures(amount), id_, holder))
            return connection.changes() == 1

        return await self._database.write(work)

    async def lines(self, *, state: State | None = None, after: int = 0, limit: int = 1000) -> Sequence[Line]:
        """Return the first `limit` lines after the id `after`."""
        asked = (after, state, state, limit)
        found = await self._database.read(lambda connection: connection.execute(_LINES, asked).fetchall())
        return [_line(*row) for row in found]


def _figures(amount: Amount) -> tuple[int, ...]:
    usage = amount.usage
    return amount.micro_usd, amount.calls, usage.input, usage.cached, usage.written, usage.output


def _line(*row: Any) -> Line:
    id_, at_us, tenant, holder, payer, conversation, what, state, micro_usd, calls, *tokens = row
    return Line(
        id=id_,
        at_us=at_us,
        tenant=tenant,
        holder=holder,
        payer=payer,
        conversation=conversation,
        what=what,
        state=state,
        amount=Amount(micro_usd, Usage(*tokens), calls),
    )
