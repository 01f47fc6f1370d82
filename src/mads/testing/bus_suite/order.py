"""Order: one key's calls one after the other, and of what waits the lowest band first."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from mads.bus.port import Bus
from mads.testing.bus_suite.scene import Check, Scene, answer, arrived, call, sent, value
from mads.wire.call import Band, Call, Identity, Reply


class Step(Struct, frozen=True):
    """One call of a script; its handler gives way `pauses` times."""

    principal: str = "ana"
    key: str | None = None
    band: int = Band.NORMAL
    pauses: int = 0


SCRIPT = tuple(
    Step(principal=("ana", "bo")[number % 2], key=("k", "l", None)[number % 3], band=number % 4, pauses=number % 5)
    for number in range(60)
)


async def one_key_is_handled_in_order_and_never_twice_at_once(server: Bus, client: Bus) -> None:
    for at_once in (1, 2, 7):
        await keeps_order(server, client, SCRIPT, at_once=at_once, members=1)


async def one_key_is_handled_in_order_by_a_group_too(server: Bus, client: Bus) -> None:
    await keeps_order(server, client, SCRIPT, at_once=2, members=3)


async def keeps_order(server: Bus, client: Bus, script: Sequence[Step], *, at_once: int, members: int) -> None:
    """Check that the calls of `script`, made at once, are handled in order by `members` of one group."""
    handling: set[tuple[str, str | None]] = set()
    started: dict[Any, list[int]] = defaultdict(list)

    async def handle(heard: Call) -> Reply:
        number: int = value(heard.body)
        holder = (heard.identity.principal, heard.key)
        assert heard.key is None or holder not in handling, f"{holder!r} twice at once"
        handling.add(holder)
        started[*holder, heard.band].append(number)
        for _ in range(script[number].pauses):
            await asyncio.sleep(0)
        handling.discard(holder)
        return Reply(heard.body)

    subscriptions = [
        await server.subscribe(["mads.echo.*"], handle, group="echo", at_once=at_once) for _ in range(members)
    ]
    replies = await asyncio.gather(*sent(client, *(_call(number, step) for number, step in enumerate(script))))
    for subscription in subscriptions:
        await subscription.close()

    assert [answer(reply) for reply in replies] == list(range(len(script)))
    for (_, key, _), numbers in started.items():
        assert key is None or numbers == sorted(numbers)


async def events_of_one_key_stay_in_order(server: Bus, client: Bus) -> None:
    scene = Scene()
    await server.subscribe(["event.note"], scene, at_once=5)

    for number in range(100):
        await client.publish(call("event.note", number, key="k"))

    await scene.until(lambda: len(scene.ended) == 100)
    assert scene.ended == list(range(100))


async def other_keys_overtake_a_key_that_waits(server: Bus, client: Bus) -> None:
    scene = Scene(held=["one"])
    await server.subscribe(["mads.echo.*"], scene, at_once=2)
    slow = sent(client, call("mads.echo.say", "one", key="k"), call("mads.echo.say", "two", key="k"))
    await scene.until(lambda: scene.started == ["one"])

    for request in (
        call("mads.echo.say", "another key", key="l"),
        call("mads.echo.say", "another principal", key="k", identity=Identity("bo")),
        call("mads.echo.say", "no key"),
    ):
        answer(await client.request(request))

    scene.gate.set()
    await asyncio.gather(*slow)
    assert scene.started == ["one", "another key", "another principal", "no key", "two"]


async def of_what_waits_the_lowest_band_goes_first(server: Bus, client: Bus) -> None:
    await keeps_bands(server, client, SCRIPT)


async def keeps_bands(server: Bus, client: Bus, script: Sequence[Step]) -> None:
    """Check that the calls of `script`, all waiting, are handled by band, and in each band each caller's in order."""
    scene = Scene(held=["first"])
    subscription = await server.subscribe(["mads.echo.*"], scene)
    first = sent(client, call("mads.echo.say", "first"))
    await scene.until(lambda: scene.started == ["first"])
    rest = sent(client, *(_call(number, step) for number, step in enumerate(script)))
    await arrived(server, client)

    scene.gate.set()
    await asyncio.gather(*first, *rest)
    await subscription.close()

    started: list[int] = scene.started[1:]
    assert [script[number].band for number in started] == sorted(step.band for step in script)
    for who in {(step.principal, step.band) for step in script}:
        theirs = [number for number in started if (script[number].principal, script[number].band) == who]
        assert theirs == sorted(theirs)


def _call(number: int, step: Step) -> Call:
    return call("mads.echo.say", number, identity=Identity(step.principal), key=step.key, band=step.band)


CHECKS: tuple[Check, ...] = (
    one_key_is_handled_in_order_and_never_twice_at_once,
    one_key_is_handled_in_order_by_a_group_too,
    events_of_one_key_stay_in_order,
    other_keys_overtake_a_key_that_waits,
    of_what_waits_the_lowest_band_goes_first,
)
