"""Prose that comes along with a call drives nothing: whatever stands in its notes, the handler does the same.

Covers a tool behind all layers. Does not cover the way there: the bus suite does, and notes arrive as they were sent.
"""

import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mads import Kept, mad, message, tool
from mads.author.declaration import declaration
from mads.host.layers import LAYERS, inner
from mads.host.serve import serve
from mads.observe.trace import Trace
from mads.testing import kept
from mads.wire import codec
from mads.wire.call import Call, Identity

COVERS = ("R-029",)


@message
class Leaf:
    """Something to keep."""

    text: str


@mad
class Tree:
    """You keep leaves."""

    leaves: Kept[Leaf]

    @tool
    async def grow(self, leaf: Leaf) -> int:
        """Keep a leaf and return how many there are."""
        await self.leaves.add(leaf)
        return len(await self.leaves.where())

    @tool(destructive=True)
    async def fell(self) -> int:
        """Forget every leaf."""
        return await self.leaves.remove()


async def unspoken(text: str) -> str:
    """Answer prose, which nobody does here."""
    return text


async def effect(tool_: str, arguments: dict[str, Any], notes: str | None) -> tuple[bytes, list[Leaf]]:
    """Return what a tree with one leaf answers, and what it keeps afterwards."""
    tree = Tree(leaves=kept(Leaf("elm")))
    handle = serve("tree", declaration(Tree), tree, inner(LAYERS, Trace()), talks=unspoken, strict=True)
    call = Call(
        subject=f"mads.tree.{tool_}",
        body=codec.raw(arguments),
        id="1",
        deadline=time.monotonic() + 30,
        identity=Identity("operator"),
        notes=notes,
    )
    return bytes((await handle(call)).body), await tree.leaves.where()


@given(notes=st.text(), leaf=st.text())
async def test_a_tool_does_the_same_whatever_the_notes_say(notes: str, leaf: str) -> None:
    for tool_, arguments in (("grow", {"leaf": {"text": leaf}}), ("fell", {})):
        assert await effect(tool_, arguments, notes) == await effect(tool_, arguments, None)
