"""A MAD that answers questions from a folder of documents, from web pages and from an API, and cites every source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mads import CallError, Egress, Secrets, Think, mad, message, tool

if TYPE_CHECKING:
    from mads.duos.dewey import Dewey
    from mads.duos.marco import Marco


@message
class Source:
    """A passage, and where it stands."""

    place: str
    text: str


@message
class Finding:
    """An answer, the places it rests on, and what could not be read."""

    text: str
    sources: tuple[str, ...]
    missing: tuple[str, ...] = ()


@mad
class Scholar:
    """You answer from what you are given, and name the source of every statement in brackets."""

    dewey: Dewey
    marco: Marco
    think: Think
    secrets: Secrets
    egress: Egress
    prices: str

    @tool
    async def answer(self, question: str, pages: list[str]) -> Finding:
        """Answer a question from the documents, from web pages and from the price list."""
        hits = (await self.dewey.search(question, limit=3)).hits
        sources = [Source(f"{hit.path}:{hit.line}", hit.excerpt) for hit in hits]
        missing: list[str] = []
        for page in pages:
            try:
                found = await self.marco.search_page(page, question, limit=2)
            except CallError as error:
                missing.append(f"{page}: {error}")
            else:
                sources += [Source(page, passage.text) for passage in found.passages]
        sources.append(await self._price())
        text = await self.think("Answer the question from these sources.", question, sources)
        return Finding(text, tuple(dict.fromkeys(source.place for source in sources)), tuple(missing))

    async def _price(self) -> Source:
        """Return the price list, which is for those with a key."""
        key = await self.secrets("prices/key")
        answer = await self.egress.request("GET", self.prices, headers={"Authorization": key.shaped("Bearer {}")})
        return Source(self.prices, answer.text)
