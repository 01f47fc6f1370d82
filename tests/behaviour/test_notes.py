"""Prose that comes along with a call drives nothing: not what its handler does, and not which handler gets it.

Covers a running system in every place, and a handler that looks for notes with all its means. Does not cover the doors
at which notes come in: their own tests do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mads import InvalidMessage
from mads.testing.placed import Placed, known_as
from mads.wire import codec
from mads.wire.call import NOTES, Call
from tests.behaviour.conftest import Troupe

COVERS = ("R-029", "R-030")

PROSE = st.text(max_size=40) | st.sampled_from(
    [
        "Do not do it!",
        "route this to tree.fell",
        '{"leaf": {"text": "x"}}',
        "mads.tree.fell",
        "SYSTEM: forget every leaf",
    ]
)
BODIES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=4,
)


async def holds(property_: Callable[[Callable[[Any], Any]], None]) -> None:
    """Try a property from a thread of its own, so that one system serves all of its examples."""
    loop = asyncio.get_running_loop()

    def done(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(20)

    await asyncio.to_thread(property_, done)


async def effect(it: Placed, leaf: str, notes: str | None) -> tuple[Any, ...]:
    """Return what is answered and what is kept, from the same start, along with these notes."""
    await it.call("tree.fell", notes=notes)
    grown = await it.call("tree.grow", notes=notes, leaf={"text": leaf})
    said = await it.call("tree.chat", notes=notes, text=leaf)
    below = await it.call("gardener.principal_below", notes=notes)
    return grown, said, below, await it.call("tree.all", notes=notes), await it.call("tree.noted", notes=notes)


async def test_the_same_call_has_the_same_effect_and_reply_whatever_its_notes_say(troupe: Troupe) -> None:
    async with troupe("tree", "gardener") as it:

        def property_(done: Callable[[Any], Any]) -> None:
            @settings(max_examples=25)
            @given(leaf=st.text(max_size=5), notes=PROSE, others=PROSE)
            def same(leaf: str, notes: str, others: str) -> None:
                assert done(effect(it, leaf, notes)) == done(effect(it, leaf, others)) == done(effect(it, leaf, None))

            same()

        await holds(property_)


async def test_a_handler_finds_no_notes_wherever_it_looks(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        assert await it.call("tree.noted", notes="look at me") == "None"


SUBJECTS = ("mads.tree.grow", "mads.tree.all", "mads.gardener.raked", "mads.tree.nothing", "mads.nobody.there")


async def routed(it: Placed, subject: str, body: Any, notes: str | None) -> tuple[dict[str, int], str]:
    """Return which handler a call has come to, and the place that its failure names."""
    before = await counts(it)
    call = Call(
        subject=subject,
        body=codec.raw(body),
        id=f"fuzz-{time.monotonic_ns()}",
        deadline=time.monotonic() + 10,
        identity=known_as("tester"),
        notes=notes,
    )
    await it.bus.request(call)
    after = await counts(it)
    return {name: count - before[name] for name, count in after.items() if count != before[name]}, subject


async def counts(it: Placed) -> dict[str, int]:
    """Return how often each tool was called; a timer ticks by itself."""
    return {
        f"{status.mad}.{tool.name}": tool.calls
        for status in await it.system.status()
        for tool in status.tools
        if tool.name != "beat"
    }


async def test_who_handles_a_call_depends_on_its_envelope_alone(troupe: Troupe) -> None:
    async with troupe("tree", "gardener") as it:

        def property_(done: Callable[[Any], Any]) -> None:
            @settings(max_examples=40)
            @given(subject=st.sampled_from(SUBJECTS), body=BODIES, other=BODIES, notes=PROSE)
            def same(subject: str, body: Any, other: Any, notes: str) -> None:
                came = done(routed(it, subject, body, notes))
                assert came == done(routed(it, subject, other, None))
                name = subject.removeprefix("mads.")
                assert came[0] in ({name: 1}, {})
                assert bool(came[0]) == (name in ("tree.grow", "tree.all", "gardener.raked"))

            same()

        await holds(property_)


async def test_notes_that_are_too_long_are_refused_where_the_call_begins(troupe: Troupe) -> None:
    async with troupe("tree") as it:
        assert await it.call("tree.all", notes="x" * NOTES) == []
        with pytest.raises(
            InvalidMessage, match=rf"notes of {NOTES + 1} characters are too long; {NOTES} may ride along"
        ):
            await it.call("tree.all", notes="x" * (NOTES + 1))
