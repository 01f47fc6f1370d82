"""Kept rows for a MAD in another process: the core serves its store on the bus, the child asks over it."""

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any

from msgspec import Meta, Struct

from mads.bus.port import Bus, Subscription
from mads.guard.labels import Labels, union
from mads.store.port import MAX_BODY, KeptRows, Row, Scope, Taint, weight
from mads.wire import codec
from mads.wire.call import Call, Reply
from mads.wire.errors import Denied
from mads.wire.failure import error_of

PART = 4 * 1024 * 1024
"""The weight at which the rows of one reply end."""

AT_ONCE = 64
"""How many requests are served at a time: what is added together is committed together."""


class Add(Struct, frozen=True, forbid_unknown_fields=True):
    """Keep one more row; the reply is its id."""

    scope: Scope
    body: Annotated[bytes, Meta(max_length=MAX_BODY)]


class Read(Struct, frozen=True, forbid_unknown_fields=True):
    """Return the rows after `after` until they weigh `size`, or `PART` if that is less."""

    scope: Scope
    after: int
    size: int


class Remove(Struct, frozen=True, forbid_unknown_fields=True):
    """Forget rows; the reply is how many there were."""

    scope: Scope
    ids: Sequence[int]


async def serve_rows(
    bus: Bus, rows: KeptRows, labels: Labels, firsts: Mapping[str, str] = MappingProxyType({})
) -> Subscription:
    """Serve `rows` on `bus`: to each MAD its own, and those of the tenant for whom it asks.

    Those of a MAD that is a second version are those of the first one, which `firsts` names.

    What is kept has the labels of the call that keeps it; reading what may have some labels the call that reads.
    """

    async def add(asked: Add, call: Call) -> int:
        return await rows.add(asked.scope, asked.body, call.identity.labels)

    async def read(asked: Read, call: Call) -> list[Row]:
        found = await rows.rows(asked.scope, after=asked.after, size=min(asked.size, PART))
        if tainted := await rows.tainted(asked.scope):
            labels.pick(call.cause, union(*(tainted.get(row, ()) for row, _ in found)))
        return found

    async def remove(asked: Remove, _: Call) -> int:
        return await rows.remove(asked.scope, asked.ids)

    verbs: dict[str, tuple[type[Add | Read | Remove], Callable[[Any, Call], Awaitable[Any]]]] = {
        "host.kept.add": (Add, add),
        "host.kept.rows": (Read, read),
        "host.kept.remove": (Remove, remove),
    }

    async def serve(call: Call) -> Reply:
        type_, do = verbs[call.subject]
        asked = codec.decode(codec.raw(call.body), type_)
        _refuse_another(call, asked.scope, firsts)
        return Reply(codec.raw(await do(asked, call)))

    return await bus.subscribe(tuple(verbs), serve, group="host.kept", at_once=AT_ONCE, capacity=1024)


class RemoteRows:
    """The rows that `serve_rows` serves on `bus`; `call` makes the call of a subject with a body."""

    def __init__(self, bus: Bus, call: Callable[[str, Any], Call]) -> None:
        self._bus = bus
        self._call = call

    async def add(self, scope: Scope, body: bytes, taint: Taint = ()) -> int:
        """Keep one more row, with the labels that the core knows of the call; return its id."""
        del taint
        row: int = await self._ask("host.kept.add", Add(scope, body), int)
        return row

    async def rows(self, scope: Scope, *, after: int = 0, size: int | None = None) -> list[Row]:
        """Return the rows with an id above `after`, oldest first, read in parts, between which they may change."""
        found: list[Row] = []
        left = sys.maxsize if size is None else size
        while True:
            share = min(left, PART)
            part: list[Row] = await self._ask("host.kept.rows", Read(scope, after, share), list[Row])
            found += part
            taken = sum(weight(body) for _, body in part)
            left -= taken
            if taken < share or left <= 0:
                return found
            after = part[-1][0]

    async def tainted(self, scope: Scope) -> dict[int, Taint]:
        """Return none: the core labels the call that reads."""
        del scope
        return {}

    async def remove(self, scope: Scope, ids: Sequence[int]) -> int:
        """Forget those of the scope's rows that `ids` names; return how many there were."""
        count: int = await self._ask("host.kept.remove", Remove(scope, ids), int)
        return count

    async def close(self) -> None:
        """Do nothing: the core closes its store."""

    async def _ask(self, subject: str, body: Add | Read | Remove, answer: Any) -> Any:
        reply = await self._bus.request(self._call(subject, codec.raw(body)))
        if reply.failure is not None:
            raise error_of(reply.failure)
        return codec.decode(codec.raw(reply.body), answer)


def _refuse_another(call: Call, scope: Scope, firsts: Mapping[str, str]) -> None:
    identity = call.identity
    if (
        not identity.chain
        or firsts.get(identity.chain[-1], identity.chain[-1]) != scope.mad
        or identity.tenant != scope.tenant
    ):
        raise Denied(
            f"{'.'.join(identity.chain) or identity.principal!r}, for tenant {identity.tenant!r}, may not touch what "
            f"{scope.mad!r} keeps for {scope.tenant!r}; call a tool of {scope.mad!r}"
        )
