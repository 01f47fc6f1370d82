"""An example system that degrades as it declares: a front that asks a station, which may ask an almanac instead."""

from __future__ import annotations

import os

from mads import CallError, Kept, mad, message, tool


@message
class Reading:
    """What was measured, or said to be."""

    degrees: float
    source: str


@mad
class Station:
    """You measure."""

    kept: Kept[Reading]

    @tool(read_only=True)
    async def read(self, place: str) -> Reading:
        """Return what is measured."""
        if place == "nowhere":
            raise ValueError("the wire is cut")
        return Reading(float(len(place)), "station")

    @tool(read_only=True)
    async def history(self, place: str) -> list[Reading]:
        """Return what was measured before."""
        del place
        return await self.kept.where()

    @tool
    async def crash(self) -> None:
        """End the process."""
        os._exit(7)


@mad
class Almanac:
    """You know how it was in other years."""

    @tool(read_only=True)
    async def typical(self, place: str) -> Reading:
        """Return what is usual."""
        return Reading(float(len(place)), "almanac")


@mad
class Front:
    """You tell people, as well as you can."""

    station: Station
    almanac: Almanac

    @tool(read_only=True)
    async def tell(self, place: str) -> str:
        """Return a sentence."""
        reading = await self.station.read(place)
        return f"{reading.degrees:g} degrees, says the {reading.source}"

    @tool(read_only=True)
    async def before(self, place: str) -> int:
        """Return how much is known of other days."""
        return len(await self.station.history(place))

    @tool(read_only=True)
    async def usual(self, place: str) -> str:
        """Return a sentence, without the almanac too."""
        try:
            return (await self.almanac.typical(place)).source
        except CallError as error:
            return f"not known: {type(error).__name__}"
