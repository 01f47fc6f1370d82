"""A step follows its journal: after any number of attempts, each step was finished once, and its result is the first.

Covers what has changed between attempts, an attempt that ended, and random runs against a plain model. Does not cover
whole systems: tests/behaviour/test_steps.py does.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mads import Failed, InvalidMessage, Reject
from mads.guard.labels import Labels
from mads.host.commands.journal import StoredJournal
from mads.host.commands.steps import STEPS, HostStep
from mads.host.version import version_of
from mads.store.commands.memory import MemoryCommands
from mads.testing.command_suite import ORDER
from mads.wire.call import Call, Identity, current

COVERS = ("R-120",)

CALL = Call(subject="mads.shop.buy", body=None, id="", deadline=0, identity=Identity("ana"))


class Shop:
    """What the steps are of."""


class Run:
    """A command in a store in memory, and attempts at it; `did` is what its steps did."""

    def __init__(self) -> None:
        self.store, self.did, self.breaks = MemoryCommands(), list[str](), "nothing"
        self.attempt = self.seq = 0
        self.cls: type[Any] = Shop

    async def begin(self) -> HostStep:
        """Begin the next attempt, in a process that knows nothing of the one before."""
        if not self.seq:
            ((self.seq, _),) = await self.store.add([ORDER])
        await self.store.begin([self.seq])
        self.attempt += 1
        name = f"command-{self.seq}"
        current.set(replace(CALL, id=f"{name}.{self.attempt}", attempt=self.attempt, command=name))
        return HostStep(StoredJournal(self.store, Labels(), self._go), self.cls)

    async def _go(self, _: int) -> bool:
        return True

    async def work(self, name: str) -> str:
        """Do something that can be counted, and may fail after that."""
        self.did.append(name)
        if name == self.breaks:
            raise OSError(name)
        return f"{name} in attempt {self.attempt}"


async def test_what_an_older_code_finished_under_another_name_is_not_done_again() -> None:
    run = Run()
    step = await run.begin()
    await step("pay", run.work, "pay")
    run.cls = HostStep  # of another module
    step = await run.begin()
    with pytest.raises(
        Reject, match=r"the code changed .* finished 'pay', which was not asked for now, but 'charge' is"
    ):
        await step("charge", run.work, "charge")
    step = await run.begin()
    assert await step("pay", run.work, "pay") == "pay in attempt 1"
    assert await step("charge", run.work, "charge") == "charge in attempt 3"
    assert run.did == ["pay", "charge"]


async def test_a_result_that_fits_its_type_no_longer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run()
    step = await run.begin()
    await step("pay", run.work, "pay")

    async def work(name: str) -> int:
        return len(name)

    monkeypatch.setattr(work, "__qualname__", "Run.work")
    step = await run.begin()
    with pytest.raises(
        Reject, match=r"step 'pay' of command 1 has a result .* no longer fits Run.work: Expected `int`"
    ):
        await step("pay", work, "pay")


async def test_an_attempt_that_has_ended_keeps_nothing() -> None:
    run = Run()
    stale = await run.begin()
    before = current.get()
    step = await run.begin()
    now = current.get()
    current.set(before)
    with pytest.raises(Failed, match="attempt 1 at command 1 has ended; step 'pay' came too late"):
        await stale("pay", run.work, "pay")
    current.set(now)
    assert await step("pay", run.work, "pay") == "pay in attempt 2"


async def test_there_are_only_so_many_steps() -> None:
    run = Run()
    step = await run.begin()
    for number in range(STEPS):
        await step(f"{number}", run.work, "")
    with pytest.raises(InvalidMessage, match="at most 1000 steps; send a command for each part"):
        await step("more", run.work, "")


def test_a_version_is_that_of_the_source() -> None:
    assert version_of(Shop) == version_of(Run) != version_of(HostStep)
    assert len(version_of(Shop)) == 12
    assert version_of(int) == ""


NAMES = ("reserve", "pay", "ship", "tell", "file")
ENDS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["before", "within"])), max_size=6)


@given(ends=ENDS, together=st.booleans())
def test_steps_follow_a_plain_model(ends: list[tuple[str, str]], together: bool) -> None:  # noqa: FBT001  hypothesis
    asyncio.run(_follow([*ends, ("", "")], together=together))


async def _follow(ends: list[tuple[str, str]], *, together: bool) -> None:
    """Cut off attempts before or within a step; compare with a dict of results and a list of what was done."""
    run, results, found, did = Run(), dict[str, str](), dict[str, str](), list[str]()
    for name, how in ends:
        stops = name != "" and (how == "before" or name not in results)
        reached = NAMES[: NAMES.index(name) + 1] if stops and not together else NAMES
        did += [it for it in reached if it not in results and (it, "before") != (name, how)]
        results = {it: f"{it} in attempt {run.attempt + 1}" for it in reached if not stops or it != name} | results
        found = await _process(run, name, how, together=together)
        assert all(results[it] == found[it] for it in found)
    assert sorted(run.did) == sorted(did)
    assert found.keys() == set(NAMES)
    assert await run.store.finish([run.seq], now=0) == 1
    assert await run.store.finished(run.seq) == []


async def _process(run: Run, name: str, how: str, *, together: bool) -> dict[str, str]:
    """Take all steps, one after another or side by side, but end at one of them; return the results that came."""
    step, found = await run.begin(), dict[str, str]()
    run.breaks = name if how == "within" else "nothing"

    async def take(it: str) -> None:
        if (it, "before") == (name, how):
            raise OSError(it)
        found[it] = await step(it, run.work, it)

    if together:
        await asyncio.gather(*(take(it) for it in NAMES), return_exceptions=True)
    else:
        with suppress(OSError):
            for it in NAMES:
                await take(it)
    return found
