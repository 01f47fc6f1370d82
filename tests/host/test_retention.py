"""What is on record goes when its time has come, and not what is held.

Covers the sweep and what `[retention]` may say. Does not cover that it runs by itself: there is no clock to wait for.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from mads.host.config import readable
from mads.host.history.calendar import Calendar
from mads.host.history.retention import MICRO, Sweeper
from mads.host.writing import Retention
from mads.store.record.conversations import SqliteConversations
from mads.store.record.upkeep import SqliteUpkeep
from tests.store.test_record_upkeep import SAY, entry, left, opened, write

COVERS = ("R-147",)

DAY = 86_400


async def uncut(before: int) -> bool:
    """Have no audit."""
    return before < 0


RULES = Retention(bodies="7d", prose="14 d", envelopes="30d")


async def test_each_class_goes_when_its_time_has_come(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        sweeper = Sweeper(RULES, SqliteUpkeep(database, SAY), uncut)
        now = 1_800_000_000
        old = [now - days * DAY for days in (6, 8, 15, 31)]
        await write(database, *(entry(at * MICRO, kind="prose") for at in old))
        await write(database, *(entry(at * MICRO + 1) for at in old))
        told = {
            str(entry(at * MICRO + kind).id): (kind, days)
            for at, days in zip(old, (6, 8, 15, 31), strict=True)
            for kind in (0, 1)
        }

        assert await sweeper.sweep(now) > 0
        assert await sweeper.sweep(now) == 0
        assert {told[id_]: there for id_, there in await left(database)} == {
            (0, 6): True,
            (0, 8): True,
            (0, 15): False,
            (1, 6): True,
            (1, 8): False,
            (1, 15): False,
        }


def test_a_clock_that_steps_ahead_counts_only_once_that_has_lasted() -> None:
    wall, steady = 1_800_000_000.0, 50.0
    calendar = Calendar(wall - 60, wall=lambda: wall, steady=lambda: steady)
    assert calendar.now() == wall
    right, wall, steady = wall, wall + 40 * DAY, steady + 60
    assert calendar.now() == right + 60
    wall, steady = right + 120, steady + 60
    assert calendar.now() == wall
    wall, steady = wall + 40 * DAY, steady + 60
    assert calendar.now() == right + 180
    wall, steady = wall + 3600, steady + 3600
    assert calendar.now() == wall
    wall, steady = right, steady + 60
    assert calendar.now() == right


async def test_a_clock_that_is_ahead_at_a_start_is_not_believed_whatever_was_recorded_by_it(tmp_path: Path) -> None:
    right = 1_800_000_000
    for wall in (right, right + 40 * DAY, right + 41 * DAY):
        async with opened(tmp_path) as database:
            sweeper = Sweeper(RULES, SqliteUpkeep(database, SAY), uncut, partial(float, wall))
            await write(database, entry(wall * MICRO))
            await sweeper.sweep_now()
            assert all(there for _, there in await left(database))


def test_how_long_a_clock_has_been_ahead_counts_over_starts() -> None:
    wall, steady = 1_800_000_000.0, 50.0
    first = Calendar(wall - 40 * DAY, wall=lambda: wall, steady=lambda: steady)
    assert first.now() == wall - 40 * DAY
    steady += 3000
    second = Calendar(first.now(), first.lasted, wall=lambda: wall, steady=lambda: steady)
    assert second.now() == wall - 40 * DAY + 3000
    steady += 600
    assert (second.now(), second.lasted) == (wall, 0.0)


async def test_never_is_never(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await write(database, entry(1), entry(2, kind="prose"), entry(3, conversation="42"))
        assert (
            await Sweeper(Retention("never", "never", "never", "never"), SqliteUpkeep(database, SAY), uncut).sweep(
                10**10
            )
            == 0
        )
        assert [there for _, there in await left(database)] == [True, True, True]


async def test_what_was_held_goes_once_it_is_released(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        sweeper, conversations = Sweeper(RULES, SqliteUpkeep(database, SAY), uncut), SqliteConversations(database, SAY)
        await write(database, entry(1, conversation="42"))
        await conversations.hold(("default", "42"), "court", "ana", 1)
        assert await sweeper.sweep(1_800_000_000) == 0
        assert await left(database) == [("id-1", True)]

        await conversations.release(("default", "42"))
        sweeper.again()
        await sweeper.sweep(1_800_000_000)
        assert await left(database) == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('bodies = "7 fortnights"', "line 4: [retention] bodies: write a span of time such as"),
        ("prose = -1", "[retention] prose: "),
        ('body = "7d"', "[retention] body: unknown key; did you mean 'bodies'?"),
    ],
)
def test_a_mistake_is_told_with_what_to_write(said: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "mads.toml").write_text(f'[mads]\nclerk = "a:B"\n[retention]\n{said}\n', encoding="utf-8")
    _, mistakes = readable(tmp_path)
    assert len(mistakes) == 1
    assert told in mistakes[0]


async def test_the_audit_goes_by_whole_days(tmp_path: Path) -> None:
    asked: list[int] = []

    async def cut(before: int) -> bool:
        asked.append(before)
        return len(asked) < 3

    async with opened(tmp_path) as database:
        now = 20_000 * DAY + 4_711
        assert await Sweeper(Retention("never", "never", "never"), SqliteUpkeep(database, SAY), cut).sweep(now) == 2
    assert asked == [(20_000 - 400) * DAY * MICRO] * 3
