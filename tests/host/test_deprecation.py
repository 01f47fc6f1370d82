"""What is to go says so wherever one meets it: in its description, in the log of those who still use it.

Covers tools and events at load and at work. Does not cover what is overdue: the tests of `mads check` do.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from mads import CallError, Emit, mad, message, on, tool
from mads.author.declaration import declaration
from mads.testing.placed import placed
from mads.wire.errors import DeclarationError

COVERS = ("R-022",)

ROOT = str(Path(__file__).parents[2])


@message(deprecated="2999-03-01: use Noted")
class Told:
    """Somebody said something."""

    text: str


@mad
class Shelf:
    """You keep books."""

    emit: Emit

    @tool(deprecated="2999-03-01: use find")
    async def look(self) -> None:
        """Find a book."""

    @tool
    async def tell(self) -> None:
        """Tell twice."""
        await self.emit(Told("a"))
        await self.emit(Told("b"))

    @on(Told)
    async def hear(self, told: Told) -> None:
        """Listen."""


async def test_whoever_calls_a_tool_or_emits_an_event_that_is_to_go_is_logged_once(tmp_path: Path) -> None:
    async with placed(tmp_path, path=(ROOT,), shelf=f"{__name__}:Shelf") as it:
        with structlog.testing.capture_logs() as lines:
            for principal in ("ana", "bo", "ana"):
                await it.call("shelf.look", principal=principal)
            await it.call("shelf.tell")

    told = [(line["event"], line.get("caller", line.get("event_name"))) for line in lines]
    assert told == [
        ("deprecated tool called", "ana"),
        ("deprecated tool called", "bo"),
        ("deprecated event emitted", f"{__name__}.Told.v1"),
    ]
    assert {(line["until"], line["instead"]) for line in lines} == {
        ("2999-03-01", "use find"),
        ("2999-03-01", "use Noted"),
    }


async def test_what_is_to_go_says_so_in_its_description(tmp_path: Path) -> None:
    said = "\n\nDeprecated: it is there until 2999-03-01; use "
    async with placed(tmp_path, path=(ROOT,), shelf=f"{__name__}:Shelf") as it:
        look = next(tool for tool in it.system.tools() if tool.tool == "look")
        told = next(event for event in it.system.events() if event.name.endswith("Told.v1"))
        assert (look.description, look.deprecated) == (f"Find a book.{said}find.", "2999-03-01: use find")
        assert (told.description, told.deprecated) == (f"Somebody said something.{said}Noted.", "2999-03-01: use Noted")
        with pytest.raises(CallError):
            await it.call("shelf.lock")


@pytest.mark.parametrize(
    "text", ["soon", "2027-03-01", "2027-03-01:", "2027-02-30: use b", ": use b", "01.03.2027: use b"]
)
def test_a_deprecation_without_a_date_or_a_way_on_is_a_mistake_at_load(text: str) -> None:
    @mad
    class Odd:
        @tool(deprecated=text)
        async def look(self) -> None:
            """Look."""

    with pytest.raises(DeclarationError, match=r"Odd\.look: deprecated=.* names no date and no way on; write the last"):
        declaration(Odd)
    with pytest.raises(DeclarationError, match="names no date and no way on"):
        message(deprecated=text)(type("Told", (), {"__annotations__": {"text": str}}))
