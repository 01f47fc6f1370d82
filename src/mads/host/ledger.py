"""The need `Ledger`: the core keeps the book, and who pays is read from the call that is handled."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from mads.bus.port import Bus, Subscription
from mads.guard.budget.accounts import Accounts
from mads.host.caller import Caller
from mads.host.proxy import outcome
from mads.store.ledger.port import Line, State
from mads.wire import codec
from mads.wire.call import Call, Reply
from mads.wire.errors import Denied, InvalidMessage
from mads.wire.ledger import NOTHING, Amount

RESERVE, SETTLE = "host.ledger.reserve", "host.ledger.settle"
AT_ONCE, CAPACITY = 64, 4096
MICRO = 1_000_000


class Reserve(Struct, frozen=True, forbid_unknown_fields=True):
    """Reserve so much at most for `what`; the reply is the reservation's id."""

    what: str
    most: Amount


class Settle(Struct, frozen=True, forbid_unknown_fields=True):
    """Settle a reservation."""

    reservation: int
    state: State
    amount: Amount


async def serve_ledger(bus: Bus, accounts: Accounts) -> Subscription:
    """Serve the book on `bus`: each MAD settles what it reserved itself."""

    async def reserve(call: Call, holder: str) -> Any:
        asked: Reserve = codec.decode(codec.raw(call.body), Reserve)
        identity = call.identity
        line = Line(
            at_us=int(time.time() * MICRO),
            tenant=identity.tenant,
            holder=holder,
            payer=identity.chain[-2] if len(identity.chain) > 1 else identity.principal,
            chain=tuple(dict.fromkeys(identity.chain)),
            conversation=call.conversation or "",
            trace=call.trace,
            what=asked.what,
            amount=asked.most,
        )
        return await accounts.reserve(line)

    async def settle(call: Call, holder: str) -> Any:
        asked: Settle = codec.decode(codec.raw(call.body), Settle)
        if not await accounts.settle(asked.reservation, holder, asked.state, asked.amount):
            raise InvalidMessage(f"{holder} has no open reservation {asked.reservation}; settle each once")

    verbs: dict[str, Callable[[Call, str], Awaitable[Any]]] = {RESERVE: reserve, SETTLE: settle}

    async def serve(call: Call) -> Reply:
        if not call.identity.chain:
            raise Denied("only a MAD keeps a book; call one that does")
        return Reply(codec.raw(await verbs[call.subject](call, call.identity.chain[-1])))

    return await bus.subscribe(tuple(verbs), serve, group="host.ledger", at_once=AT_ONCE, capacity=CAPACITY)


class HostLedger:
    """The book, for one MAD."""

    def __init__(self, bus: Bus, caller: Caller) -> None:
        self._bus, self._caller = bus, caller

    async def reserve(self, what: str, most: Amount) -> int:
        """Reserve so much."""
        id_: int = await self._ask(RESERVE, Reserve(what, most), int)
        return id_

    async def commit(self, reservation: int, spent: Amount) -> None:
        """Say what it came to."""
        await self._ask(SETTLE, Settle(reservation, "spent", spent), type(None))

    async def release(self, reservation: int) -> None:
        """Say that it came to nothing."""
        await self._ask(SETTLE, Settle(reservation, "released", NOTHING), type(None))

    async def _ask(self, subject: str, body: Reserve | Settle, answer: Any) -> Any:
        call = self._caller.call(subject, codec.raw(body), outlives=True)
        return outcome(await self._bus.request(call), answer, subject)
