from __future__ import annotations

from pathlib import Path

from mads.duos.dewey import Dewey
from mads.duos.marco import Marco
from mads.duos.marco.manners import Sites
from mads.testing import emitting, granting, inline, reaching, saying, ticking, turning
from mads.wire.web import Answer
from research import Scholar

TOURS, PRICES = "http://harbour.example/tours", "http://harbour.example/prices"


async def test_every_source_is_cited_and_what_could_not_be_read_is_told(tmp_path: Path) -> None:
    outside = reaching(
        {
            "http://harbour.example/robots.txt": Answer(404, {}, ""),
            TOURS: "<p>The Heron leaves at ten.</p>",
            PRICES: '{"heron": "40 euro"}',
        }
    )
    scholar = Scholar(
        dewey=Dewey(
            workers=inline(),
            turn=turning(),
            emit=emitting(),
            clock=ticking(),
            folder=str(Path(__file__).parent / "documents"),
            index=str(tmp_path / "index"),
        ),
        marco=Marco(
            egress=outside,
            workers=inline(),
            clock=ticking(),
            turn=turning(),
            sites=Sites(),
            folder=str(tmp_path / "marco"),
        ),
        think=saying("Twelve [boats.md:5]."),
        secrets=granting("prices/key"),
        egress=outside,
        prices=PRICES,
    )

    await scholar.dewey.refresh()
    found = await scholar.answer("How many people does the Heron carry?", [TOURS, "http://nowhere.example/"])

    assert found.text == "Twelve [boats.md:5]."
    assert found.sources == ("boats.md:5", TOURS, PRICES)
    assert [told.partition(":")[0] for told in found.missing] == ["http"]
