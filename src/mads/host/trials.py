"""The canaries of a system as its operator sees them: judged again and again, decided by hand, and on disk."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import structlog
from msgspec import Struct

from mads.author.signals import CanaryChanged
from mads.guard.canary.split import Split
from mads.guard.canary.trial import Trial, verdict
from mads.guard.principals import HOST, only_operator
from mads.host.audit import Trail
from mads.store.port import KeptRows, Scope
from mads.wire import codec
from mads.wire.call import current
from mads.wire.canary import CanaryInfo, State
from mads.wire.errors import InvalidMessage

PAUSE = 0.3
"""Seconds between two looks at what was seen: so long goes on what is to be rolled back."""

_SCOPE = Scope(tenant="", mad="host", field="canaries", type="host.Canary.v1")

BEGUN = "it is declared in mads.toml"

_JUDGED: Mapping[str, State] = {"worse": "rolled back", "no worse": "promoted"}


class Kept(Struct, frozen=True, kw_only=True):
    """How a canary stands, by whom and why, and what was seen since it began."""

    mad: str
    use: str
    state: State
    by: str
    at: str
    why: str
    trial: Trial


class Trials:
    """What is made of `splits`; the rows are on disk before a change counts, and every change is in the `audit`."""

    def __init__(self, splits: Mapping[str, Split], rows: KeptRows, audit: Trail) -> None:
        self._splits, self._rows, self._audit = splits, rows, audit
        self._kept: dict[str, tuple[int, Kept]] = {}
        self._changing = asyncio.Lock()
        self.tell: Callable[[CanaryChanged], None] = lambda _: None

    async def open(self) -> None:
        """Go on as it was left; what has another second version now begins anew."""
        for row, body in await self._rows.rows(_SCOPE):
            kept = codec.decode(body, Kept)
            split = self._splits.get(kept.mad)
            if split is None or split.use != kept.use:
                await self._rows.remove(_SCOPE, [row])
            else:
                self._kept[kept.mad] = row, kept
                split.become(kept.state, kept.trial)
        for mad, split in self._splits.items():
            if mad not in self._kept:
                await self._keep(split, "running", HOST, BEGUN)

    def all(self) -> Sequence[CanaryInfo]:
        """Return every canary, by the name of its MAD."""
        return [self._info(split) for _, split in sorted(self._splits.items())]

    def one(self, mad: str) -> CanaryInfo:
        """Return that of a MAD; raise `InvalidMessage` where it has none."""
        return self._info(self._known(mad))

    async def turn(self, mad: str, state: State, why: str) -> CanaryInfo:
        """Have it run anew, stopped, promoted or rolled back from now on, for a reason."""
        only_operator(f"change the canary of {mad}")
        split = self._known(mad)
        if not why.strip():
            raise InvalidMessage(f"that the canary of {mad} is {state} takes a reason: write why")
        call = current.get()
        async with self._changing:
            await self._change(split, state, call.identity.principal if call else HOST, why)
        return self._info(split)

    async def look(self) -> None:
        """Judge what was seen since the last look, and keep it."""
        async with self._changing:
            for split in self._splits.values():
                if split.changed and split.state == "running":
                    await self._judge(split)

    async def _judge(self, split: Split) -> None:
        split.changed = False
        judged, why = verdict(split.trial.compared(split.rule), split.rule.least)
        if judged == "open":
            _, kept = self._kept[split.mad]
            await self._keep(split, kept.state, kept.by, kept.why, at=kept.at)
        else:
            await self._change(split, _JUDGED[judged], HOST, why)

    async def _change(self, split: Split, state: State, by: str, why: str) -> None:
        was = split.state
        await self._audit.changed("switch", f"canary {split.mad}", f"{state}: {why}")
        if state == "running":
            split.become("stopped", Trial())
        await self._keep(split, state, by, why)
        split.become(state, split.trial)
        told = CanaryChanged(split.mad, split.use, was, state, why)
        log = structlog.get_logger()
        log.warning("canary changed", canary=split.mad, use=split.use, was=was, now=state, by=by, why=why)
        self.tell(told)

    async def _keep(self, split: Split, state: State, by: str, why: str, *, at: str = "") -> None:
        """Put it on disk; the row of before goes once the new one is there."""
        at = at or datetime.now(UTC).isoformat(timespec="seconds")
        kept = Kept(mad=split.mad, use=split.use, state=state, by=by, at=at, why=why, trial=split.trial)
        before = self._kept.get(split.mad)
        self._kept[split.mad] = await self._rows.add(_SCOPE, codec.encode(kept)), kept
        if before is not None:
            await self._rows.remove(_SCOPE, [before[0]])

    def _known(self, mad: str) -> Split:
        if mad not in self._splits:
            near = difflib.get_close_matches(mad, self._splits, 1)
            there = f"did you mean {near[0]}?" if near else f"those that have are: {', '.join(self._splits) or 'none'}"
            raise InvalidMessage(f"{mad!r} has no canary; {there} It is declared in mads.toml, by [[canaries]]")
        return self._splits[mad]

    def _info(self, split: Split) -> CanaryInfo:
        _, kept = self._kept[split.mad]
        return CanaryInfo(
            mad=split.mad,
            use=split.use,
            tools=tuple(sorted(split.tools)),
            share=split.rule.share,
            shadow=split.rule.shadow,
            state=split.state,
            by=kept.by,
            at=kept.at,
            why=kept.why,
            compared=split.trial.compared(split.rule),
        )
