"""The librarian answers from the files of one folder, and says where each answer stands."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Concatenate, ParamSpec, TypeVar

from msgspec import Meta

from mads import Clock, Emit, Turn, Workers, every, mad, message, prose, tool
from mads.recall.lexical import Hit
from mads.recall.upkeep import Coverage, Library, advance, find, survey
from mads.wire.errors import ConfigError

SLICE = 0.4
"""Seconds of work that a child process is given at once; after each, progress is told."""

PATIENCE = 3.0
"""Seconds that a search waits for files that are not yet indexed."""

FEW = 20
"""Changed files that are indexed without a word."""

P = ParamSpec("P")
R = TypeVar("R")


@message(name="dewey.Found")
class Found:
    """Places that fit a query, the best first: `citations` are `path:line`, relative to the librarian's folder.

    `note` says what was not looked at: unless `complete`, what is still to come; else what could not be read.
    """

    citations: tuple[str, ...]
    hits: tuple[Hit, ...]
    complete: bool
    note: str = ""


@message(name="dewey.Answer")
class Answer:
    """An answer, and the places it rests on."""

    text: str
    citations: tuple[str, ...]


@message(name="dewey.IndexProgress")
class IndexProgress:
    """So many files of `folder` are indexed."""

    done: int
    total: int
    folder: str


@mad
class Dewey:
    """You are the librarian: you find what the files of a folder say, and tell where it stands."""

    workers: Workers
    turn: Turn
    emit: Emit
    clock: Clock
    folder: str = "."
    index: str = ".mads/dewey"

    def __post_init__(self) -> None:
        """Refuse a folder that cannot be read, at start rather than at each search."""
        try:
            os.scandir(self.folder).close()
        except OSError as error:
            raise self._refusal(error) from None

    @every(seconds=2)
    async def refresh(self) -> None:
        """Index what is new or changed in the folder, and forget what is gone."""
        coverage = await self._run(survey)
        is_worth_telling = coverage.total - coverage.done > FEW
        while coverage.done < coverage.total:
            coverage = await self._run(advance, SLICE)
            if is_worth_telling:
                await self.emit(IndexProgress(coverage.done, coverage.total, self.folder))

    @tool(read_only=True)
    async def search(self, query: str, limit: Annotated[int, Meta(ge=1, le=50)] = 8) -> Found:
        """Find where the files speak of something; `query` is a question, a few words, or the name of a function."""
        until = self.clock.elapsed() + timedelta(seconds=min(PATIENCE, self.turn.remaining / 2))
        hits, coverage = await self._run(find, query, limit)
        while not coverage.is_complete and self.clock.elapsed() < until:
            self.turn.progress(coverage.done, coverage.total, "files indexed")
            await self.clock.sleep(SLICE)
            hits, coverage = await self._run(find, query, limit)
        return Found(
            citations=tuple(f"{hit.path}:{hit.line}" for hit in hits),
            hits=tuple(hits),
            complete=coverage.is_complete,
            note=_note(coverage),
        )

    @prose
    async def answer(self, text: str) -> Answer:
        """Answer with the passages that fit best, word for word."""
        found = await self.search(text)
        passages = [
            f"{citation}  {hit.symbol}\n{_quoted(hit.excerpt)}"
            for citation, hit in zip(found.citations, found.hits, strict=True)
        ]
        said = "These passages fit best, word for word:" if passages else "Nothing fits these words."
        parts = [f"No model is configured. {said}", *passages, found.note]
        return Answer("\n\n".join(part for part in parts if part), found.citations)

    async def _run(self, work: Callable[Concatenate[Library, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Let a child process do `work` on the folder."""
        try:
            return await self.workers.run(work, Library(self.folder, self.index), *args, **kwargs)
        except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
            raise self._refusal(error) from None

    def _refusal(self, error: OSError) -> ConfigError:
        return ConfigError(
            f"the folder {self.folder!r} cannot be read ({error.strerror}); "
            'write `set = { folder = "…" }` at dewey in mads.toml'
        )


def _quoted(excerpt: str) -> str:
    """Return an excerpt between fences: what stands there is code, and its decorators mention nobody."""
    fence = "~~~" if "```" in excerpt else "```"
    return f"{fence}\n{excerpt}\n{fence}"


def _note(coverage: Coverage) -> str:
    if not coverage.is_complete:
        return f"still indexing: {coverage.done} of {coverage.total} files"
    if not coverage.unread:
        return ""
    files = "1 file was" if coverage.unread == 1 else f"{coverage.unread} files were"
    return f"{files} not read: too large, not UTF-8 text, or not allowed"
