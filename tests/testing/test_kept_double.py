"""The double for `Kept[T]` behaves like the real thing, with nothing to set up."""

from typing import cast

import pytest

from mads import Kept, message
from mads.testing.kept import kept
from mads.wire.errors import DeclarationError, InvalidMessage


@message
class Note:
    """A note."""

    about: str
    text: str = ""


@message
class Ship:
    """Something else."""

    day: str


SHIP = Note(about="release", text="We ship on Friday.")


async def test_it_holds_what_it_is_given_and_what_is_added() -> None:
    notes: Kept[Note] = kept(SHIP, Note("lunch"))
    await notes.add(Note("release", "Or not."))
    assert await notes.where(about="release") == [SHIP, Note("release", "Or not.")]
    assert await notes.remove(about="release") == 2
    assert await notes.where() == [Note("lunch")]


async def test_it_may_begin_empty() -> None:
    notes: Kept[Note] = kept()
    assert await notes.where(about="release") == []
    assert await notes.remove() == 0
    await notes.add(SHIP)
    assert await notes.where() == [SHIP]


async def test_it_gives_back_a_value_and_not_the_object() -> None:
    (found,) = await kept(SHIP).where()
    assert found == SHIP
    assert found is not SHIP


async def test_it_refuses_what_the_real_thing_refuses() -> None:
    notes = kept(SHIP)
    with pytest.raises(InvalidMessage, match="is no Note"):
        await notes.add(cast("Note", Ship("Friday")))
    with pytest.raises(InvalidMessage, match="Note has no field 'abut'; it has about, text"):
        await notes.where(abut="release")
    with pytest.raises(InvalidMessage, match="Expected `str`, got `int`"):
        kept(Note(about=cast("str", 5)))
    with pytest.raises(DeclarationError, match="write @message above"):
        kept("a note")
