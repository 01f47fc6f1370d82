"""What has become of an interface: each change, and whether somebody who relied on the old one is now let down.

Parameters may take more and never less; results and events may carry more fields, and otherwise promise more and never
less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Literal

import msgspec
from msgspec import Struct

from mads.author.contract.interface import EventInterface, Interface, Schema, ToolInterface
from mads.author.contract.narrower import Gap, gaps
from mads.author.deprecation import deprecation

Verdict = Literal["breaking", "compatible"]


class Change(Struct, frozen=True):
    """One change: `what` is a MAD, a tool (`scribe.recall`) or an event by its wire name."""

    verdict: Verdict
    what: str
    why: str


def changes(old: Interface, new: Interface, *, today: date) -> list[Change]:
    """Return every change from `old` to `new`, in the order of the names; none where they are the same."""
    found: list[Change] = []
    for name in sorted(old.events.keys() | new.events.keys()):
        found += _told(name, _event(name, old, new, today))
    for mad in sorted(old.mads.keys() | new.mads.keys()):
        if mad not in new.mads:
            found += _told(mad, [("breaking", "the MAD is gone")])
        elif mad not in old.mads:
            found += _told(mad, [("compatible", "the MAD is new")])
        else:
            before, now = old.mads[mad].tools, new.mads[mad].tools
            for name in sorted(before.keys() | now.keys()):
                found += _told(f"{mad}.{name}", _tool(before.get(name), now.get(name), today))
    return found


def misfits(old: ToolInterface, new: ToolInterface | None) -> list[str]:
    """Return why a program that was written to the `old` tool cannot call the `new` one; it takes no unknown field."""
    if new is None:
        return ["the tool is gone"]
    said = [
        *_marks(old, msgspec.structs.replace(old, streams=new.streams)),
        *_parameters(old.parameters, new.parameters),
    ]
    said += _carried("result", old.result, new.result)
    grown = [gap for gap in gaps(new.result, old.result) if gap.kind == "unknown"]
    said += [("breaking", "{it} is new".format(**_words(gap, "result"))) for gap in grown]
    return [why for verdict, why in said if verdict == "breaking"]


_Said = tuple[Verdict, str]


def _told(what: str, said: Iterable[_Said]) -> list[Change]:
    return [Change(verdict, what, why) for verdict, why in dict.fromkeys(said)]


def _tool(old: ToolInterface | None, new: ToolInterface | None, today: date) -> Iterator[_Said]:
    if new is None:
        assert old is not None
        yield _gone("tool", old.deprecated, today)
    elif old is None:
        yield "compatible", "the tool is new"
    else:
        yield from _marks(old, new)
        yield from _parameters(old.parameters, new.parameters)
        yield from _carried("result", old.result, new.result)
        yield from _deprecated(old.deprecated, new.deprecated)


def _marks(old: ToolInterface, new: ToolInterface) -> Iterator[_Said]:
    if old.streams != new.streams:
        yield "breaking", "it streams now" if new.streams else "it no longer streams"
    if old.destructive != new.destructive:
        now = "destructive now: not everybody may call it any more" if new.destructive else "no longer destructive"
        yield "breaking" if new.destructive else "compatible", f"it is {now}"
    for mark in ("read_only", "idempotent"):
        if getattr(old, mark) != getattr(new, mark):
            lost = getattr(old, mark)
            yield "breaking" if lost else "compatible", f"it is {'no longer ' if lost else ''}{mark}"


def _event(name: str, old: Interface, new: Interface, today: date) -> Iterator[_Said]:
    before, now = old.events.get(name), new.events.get(name)
    if now is None:
        assert before is not None
        base = name.rpartition(".")[0]
        newer = [it.version for known, it in new.events.items() if known.rpartition(".")[0] == base]
        if any(version > before.version for version in newer):
            yield "compatible", f"version {max(newer)} takes its place"
        else:
            yield _gone("event", before.deprecated, today)
    elif before is None:
        yield "compatible", "the event is new"
    else:
        yield from _ownership(before, now)
        yield from _carried("event", before.fields, now.fields)
        yield from _deprecated(before.deprecated, now.deprecated)


def _ownership(old: EventInterface, new: EventInterface) -> Iterator[_Said]:
    if new.critical and not old.critical:
        yield "breaking", f"it is critical now: only {new.owner!r} may emit it"
    elif old.critical and not new.critical:
        yield "breaking", "it is no longer critical: nothing is checked before its hearers see it"
    elif old.owner != new.owner:
        verdict: Verdict = "breaking" if new.critical else "compatible"
        yield verdict, f"its owner is {new.owner!r}, no longer {old.owner!r}"


def _gone(what: str, deprecated: str, today: date) -> _Said:
    announced = deprecation(deprecated, what)
    if announced is not None and today > announced.until:
        return "compatible", f"the {what} is gone, as announced ({announced})"
    early = f" before {announced.until}, to which it was announced" if announced else ""
    return "breaking", f"the {what} is gone{early}"


def _deprecated(old: str, new: str) -> Iterator[_Said]:
    before, now = deprecation(old, "it"), deprecation(new, "it")
    if before is not None and now is not None and now.until < before.until:
        yield "breaking", f"it goes on {now.until} already, where {before.until} was announced"
    elif old != new:
        yield "compatible", f"it is deprecated, {new}" if new else "it is no longer deprecated"


def _parameters(old: Schema, new: Schema) -> Iterator[_Said]:
    """Compare what is taken: everything that fitted must fit."""
    lost, won = gaps(old, new), gaps(new, old)
    for gap in lost:
        yield "breaking", _LOST_PARAMETER[gap.kind].format(**_words(gap, "parameters"), old=gap.one, new=gap.other)
    for gap in _elsewhere(won, lost):
        yield "compatible", _WON_PARAMETER[gap.kind].format(**_words(gap, "parameters"), old=gap.other, new=gap.one)
    if old != new and not lost and not won:
        yield "compatible", "its parameters are written otherwise, or have other defaults"


def _carried(what: Literal["result", "event"], old: Schema, new: Schema) -> Iterator[_Said]:
    """Compare what is given: it must be all that it was, and may be more."""
    won = gaps(old, new)
    lost = [gap for gap in gaps(new, old, grows=True) if gap.kind != "unknown"]
    for gap in lost:
        yield "breaking", _LOST_RESULT[gap.kind].format(**_words(gap, what), old=gap.other, new=gap.one)
    for gap in gaps(new, old, grows=True):
        if gap.kind == "unknown" and not _required(gap, won, what):
            yield "compatible", "{it} is new".format(**_words(gap, what))
    for gap in _elsewhere(won, lost):
        verdict: Verdict = "breaking" if gap.kind == "unknown" or _required(gap, won, what) else "compatible"
        if gap.kind != "lacking" or verdict == "breaking":
            yield verdict, _WON[what][gap.kind].format(**_words(gap, what), old=gap.one, new=gap.other)
    if old != new and not lost and not won and not gaps(new, old, grows=True):
        yield "compatible", f"its {what} is written otherwise, or has other defaults"


def _required(gap: Gap, won: list[Gap], what: str) -> bool:
    """Return whether `gap` is of a field that an event which was made before may not have, and now must."""
    return what == "event" and any(it.place == gap.place and it.kind in ("lacking", "optional") for it in won)


def _elsewhere(found: list[Gap], told: list[Gap]) -> list[Gap]:
    places = {gap.place for gap in told}
    return [gap for gap in found if gap.place not in places]


def _words(gap: Gap, what: str) -> dict[str, Any]:
    return {"it": repr(gap.place) if gap.place else f"the {what}"}


_LOST_PARAMETER = {
    "unknown": "{it} is gone",
    "optional": "{it} must be given",
    "lacking": "{it} is new and must be given",
    "type": "{it} takes {new}, no longer {old}",
    "values": "{it} no longer takes {old}",
}
_WON_PARAMETER = {
    "unknown": "{it} is new and may be left out",
    "optional": "{it} may be left out",
    "lacking": "{it} is gone",
    "type": "{it} takes {new}, no longer only {old}",
    "values": "{it} takes {new}, too",
}
_LOST_RESULT = {
    "optional": "{it} may be missing",
    "lacking": "{it} is gone",
    "type": "{it} is {new}, no longer {old}",
    "values": "{it} may be {new}",
}
_WON_RESULT = {
    "unknown": "{it} is gone",
    "optional": "{it} is always there",
    "lacking": "{it} is new and has no default, so what was made before does not fit",
    "type": "{it} is {new}, no longer any {old}",
    "values": "{it} is never {old} any more",
}
_WON = {
    "result": _WON_RESULT,
    "event": _WON_RESULT | {"optional": "{it} has no default any more, so what was made before may not fit"},
}
