"""`Kept[T]` keeps values as their type says they are, finds them again, and says clearly what it cannot do."""

from typing import Any, cast

import pytest

from mads.author.message import message, wire_name
from mads.host.kept import KeptField
from mads.store.memory import MemoryRows
from mads.store.port import MAX_BODY, Scope
from mads.wire import codec
from mads.wire.errors import InvalidMessage, StoreError


@message
class Note:
    """A note."""

    about: str
    text: str = ""


@message
class Ship:
    """Something else."""

    day: str


def field(rows: MemoryRows, type_: Any = Note, *, tenant: str = "acme") -> KeptField[Any]:
    return KeptField(rows, lambda: Scope(tenant, "scribe", "notes", wire_name(type_)), type_)


async def test_values_are_found_by_what_their_fields_equal_oldest_first() -> None:
    notes = field(MemoryRows())
    kept = [Note("release", "We ship on Friday."), Note("lunch"), Note("release", "Or not.")]
    for note in kept:
        await notes.add(note)
    assert await notes.where() == kept
    assert await notes.where(about="release") == [kept[0], kept[2]]
    assert await notes.where(about="release", text="Or not.") == [kept[2]]
    assert await notes.where(about="nothing") == []


async def test_values_are_removed_by_what_their_fields_equal_and_counted() -> None:
    notes = field(MemoryRows())
    for about in ("release", "lunch", "release"):
        await notes.add(Note(about))
    assert await notes.remove(about="nothing") == 0
    assert await notes.remove(about="release") == 2
    assert await notes.where() == [Note("lunch")]
    assert await notes.remove() == 1
    assert await notes.where() == []


async def test_each_call_is_in_the_scope_of_its_own_time() -> None:
    tenant = "acme"
    notes = KeptField(MemoryRows(), lambda: Scope(tenant, "scribe", "notes", wire_name(Note)), Note)
    await notes.add(Note("release"))
    tenant = "umbrella"
    assert await notes.where() == []
    await notes.add(Note("lunch"))
    assert await notes.remove() == 1
    tenant = "acme"
    assert await notes.where() == [Note("release")]


async def test_a_field_that_is_not_there_is_refused_with_those_that_are() -> None:
    notes = field(MemoryRows())
    for asked in (notes.where(abut="release"), notes.remove(abut="release")):
        with pytest.raises(InvalidMessage, match="Note has no field 'abut'; it has about, text"):
            await asked


async def test_what_a_field_can_never_equal_is_refused() -> None:
    with pytest.raises(InvalidMessage, match=r"Note\.about is never 5: Expected `str`, got `int`"):
        await field(MemoryRows()).where(about=5)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Ship("Friday"), r"Ship\(day='Friday'\) is no Note; keep it in a field of its own"),
        ({"about": "release"}, r"is no Note"),
        (Note(about=cast("str", 5)), r"Note\(about=5, text=''\) cannot be kept: Expected `str`, got `int`"),
        (Note(about=cast("str", object())), r"cannot travel"),
        (Note("x" * MAX_BODY), r"a Note of \d+ bytes cannot be kept, \d+ can; divide it"),
    ],
)
async def test_what_is_not_as_its_type_says_is_refused_before_it_is_written(value: Any, said: str) -> None:
    rows = MemoryRows()
    with pytest.raises(InvalidMessage, match=said):
        await field(rows).add(value)
    assert await field(rows).where() == []


async def test_a_value_is_read_after_its_type_got_a_field_with_a_default() -> None:
    rows = MemoryRows()
    scope = Scope("acme", "scribe", "notes", wire_name(Note))
    rows.put(scope, codec.encode({"about": "release"}))
    assert await field(rows).where() == [Note("release", "")]


async def test_a_value_that_its_type_no_longer_reads_is_an_error_that_names_it_and_loses_nothing() -> None:
    rows = MemoryRows()
    scope = Scope("acme", "scribe", "notes", wire_name(Note))
    rows.put(scope, codec.encode(Note("release")))
    row = rows.put(scope, codec.encode({"subject": "release"}))
    for use in (field(rows).where(), field(rows).remove()):
        with pytest.raises(StoreError, match=rf"scribe\.notes: row {row} was kept when '.*Note\.v1' had other fields"):
            await use
    assert len(await rows.rows(scope)) == 2


async def test_a_newer_version_of_a_type_is_no_empty_field() -> None:
    @message(name="test.Note", version=1)
    class Old:
        about: str

    @message(name="test.Note", version=2)
    class New:
        about: str

    rows = MemoryRows()
    await field(rows, Old).add(Old("release"))
    with pytest.raises(
        StoreError, match=r"scribe\.notes keeps 'test\.Note\.v1' \(row 1\), and the code now says 'test\.Note"
    ):
        await field(rows, New).where()
    assert await field(rows, Old).where() == [Old("release")]
