"""What happened, read from the record: the tree of one request, and the last ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from mads.guard.principals import theirs
from mads.observe.recorder import Recorder
from mads.store.record.port import Query, Record
from mads.wire.errors import InvalidMessage
from mads.wire.record import Entry
from mads.wire.trace import Hop, TraceLine, Tree

HOPS = 5_000
"""How many hops of one tree are told: more would not fit one reply."""

LOOKED_AT = 5_000
"""How many of the last entries are looked at for the last traces."""

NEWEST = 200
"""Among how many of the last entries the one is that ended last: a few are written in another order."""

WELL = ("ok", "unheard")
"""The outcomes that are no failures."""

CONTROL = ("mads.steward.", "event.mads.")
"""How the subjects begin of calls that are about the system itself."""


class Traces:
    """Reads `record`, once `recorder` has written what there is."""

    def __init__(self, record: Record, recorder: Recorder) -> None:
        self._record, self._recorder = record, recorder

    async def tree(self, id_: str) -> Tree:
        """Return the tree of a trace, of the trace of a call, or of all traces of a conversation, by its id.

        Raises `InvalidMessage` where nothing is recorded under it.
        """
        await self._recorder.flush()
        found = await self._found(id_)
        if not found:
            raise InvalidMessage(
                f"nothing is recorded under {id_!r}: write the id of a trace, of a request or of a conversation; "
                "an error names its request, and mads trace without an id lists the last traces"
            )
        entries = found[-HOPS:]
        first = min(entry.began_us for entry in entries)
        return Tree(
            took_us=_ended(entries) - first,
            cost=sum(entry.cost for entry in entries),
            failed=sum(entry.outcome not in WELL for entry in entries),
            hops=tuple(_hop(depth, entry, first) for depth, entry in _ordered(entries)),
            left_out=self._left_out(len(found) - len(entries)),
        )

    async def last(self, *, limit: int, failed: bool, control: bool) -> list[TraceLine]:
        """Return the traces that ended last, the latest first; only those that `failed`, and those of `control` too.

        To the latter belong timers that went well and called nobody: they would leave room for nothing else.
        """
        await self._recorder.flush()
        traces: dict[str, list[Entry]] = {}
        last = Query(tenant=theirs(), limit=LOOKED_AT, newest=True)
        for entry in reversed(await self._record.entries(last)):
            traces.setdefault(entry.trace, []).append(entry)
        lines = (_line(entries) for entries in traces.values() if control or not _is_control(entries))
        return [line for line in lines if line.failed or not failed][:limit]

    async def newest_us(self) -> int:
        """Return when what is on record ended last, in microseconds by a clock that never goes back; 0 for nothing."""
        return _ended(await self._record.entries(Query(limit=NEWEST, newest=True)))

    async def _found(self, id_: str) -> list[Entry]:
        if not id_:
            return []
        tenant = theirs()  # whoever is no operator is shown what is its tenant's
        named = await self._record.entries(Query(tenant=tenant, id=id_, limit=1, newest=True))
        whole = Query(tenant=tenant, trace=named[0].trace if named else id_, limit=HOPS + 1, newest=True)
        return await self._record.entries(whole) or await self._record.entries(
            Query(tenant=tenant, conversation=id_, limit=HOPS + 1, newest=True)
        )

    def _left_out(self, cut: int) -> str:
        said = [f"the first of more than {HOPS} hops"] if cut else []
        if self._recorder.left_out:
            said.append(f"{self._recorder.left_out} calls that could not be written")
        if self._recorder.trouble:
            said.append(f"what waits for the store ({self._recorder.trouble})")
        return " and ".join(said)


def _ordered(entries: Sequence[Entry]) -> Iterator[tuple[int, Entry]]:
    """Yield every entry once with its depth, below the one that made it, in the order in which they began."""
    began = sorted(entries, key=lambda entry: (entry.began_us, -entry.took_us, entry.seq))
    spans = {entry.span: entry for entry in reversed(began)}
    below: dict[str, list[Entry]] = {}
    for entry in began:
        below.setdefault(entry.parent, []).append(entry)
    seen: set[int] = set()
    roots = [entry for entry in began if spans.get(entry.parent, entry) is entry]
    for root in (*roots, *began):  # what is under no root is in a circle, which only a liar makes
        left = [(0, root)]
        while left:
            depth, entry = left.pop()
            if entry.seq in seen:
                continue
            seen.add(entry.seq)
            yield depth, entry
            if entry.span and spans[entry.span] is entry:
                left += [(depth + 1, child) for child in reversed(below.get(entry.span, ()))]


def _hop(depth: int, it: Entry, first: int) -> Hop:
    return Hop(
        depth=depth,
        kind=it.kind,
        call=_name(it),
        mad=it.mad,
        version=it.version,
        place=it.place,
        at=_written(it.at_us),
        after_us=it.began_us - first,
        waited_us=it.waited_us,
        took_us=it.took_us,
        outcome=it.outcome,
        why=it.why,
        cost=it.cost,
        decisions=it.decisions,
        id=it.id,
        trace=it.trace,
        span=it.span,
        parent=it.parent,
        cause=it.cause,
        conversation=it.conversation,
        principal=it.principal,
        tenant=it.tenant,
        attempt=it.attempt,
        key=it.key,
        notes=it.notes,
        taint=it.taint,
    )


def _line(entries: Sequence[Entry]) -> TraceLine:
    first = _first(entries)
    return TraceLine(
        trace=first.trace,
        at=_written(first.at_us),
        call=_name(first),
        principal=first.principal,
        took_us=_ended(entries) - first.began_us,
        calls=len(entries),
        failed=sum(entry.outcome not in WELL for entry in entries),
        cost=sum(entry.cost for entry in entries),
        conversation=first.conversation,
    )


def _is_control(entries: Sequence[Entry]) -> bool:
    first = _first(entries)
    is_alone = len(entries) == 1 and first.outcome in WELL
    return first.subject.startswith(CONTROL) or (first.kind == "timer" and is_alone)


def _first(entries: Iterable[Entry]) -> Entry:
    return min(entries, key=lambda entry: (entry.began_us, -entry.took_us))


def _ended(entries: Iterable[Entry]) -> int:
    return max((entry.began_us + entry.took_us for entry in entries), default=0)


def _name(entry: Entry) -> str:
    return entry.subject.removeprefix("mads.")


def _written(microseconds: int) -> str:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC).isoformat(timespec="microseconds")
