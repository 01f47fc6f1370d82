"""The librarian answers from the files of one folder, and says where each answer stands."""

import os
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import timedelta
from typing import Annotated, Concatenate, ParamSpec, TypeVar

from msgspec import Meta

from mads import Clock, Emit, Turn, Workers, every, mad, message, prose, tool
from mads.recall.asking import History, changes, contents, find, look, reasons
from mads.recall.decisions import Decision
from mads.recall.embedding import MISSING, NEEDED, is_installed
from mads.recall.finding import Hit
from mads.recall.kinds import KINDS, Kind
from mads.recall.library import Coverage, Library
from mads.recall.reading import Entry, Passage
from mads.recall.tables import Reader
from mads.recall.upkeep import advance, study, survey
from mads.wire.errors import ConfigError, InvalidMessage

SLICE = 0.4
"""Seconds of work that a child process is given at once; after each, progress is told."""

PATIENCE = 3.0
"""Seconds that a search waits for files that are not yet indexed."""

FEW = 20
"""Changed files, or passages, that are indexed without a word."""

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
    """You are the librarian: you find what the files of a folder say, and tell where it stands.

    `labels` puts a label on the paths that a glob fits; `readers` names for each label the principals, and tenants as
    `tenant:NAME`, to whom what bears it is there at all.
    """

    workers: Workers
    turn: Turn
    emit: Emit
    clock: Clock
    folder: str = "."
    index: str = ".mads/dewey"
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    readers: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

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

    @every(seconds=2)
    async def study(self) -> None:
        """Follow the history of the folder, and index the meaning of what changed last; a search does not wait."""
        while await self._run(study, SLICE):
            pass

    @tool(read_only=True)
    async def search(
        self, query: str, limit: Annotated[int, Meta(ge=1, le=50)] = 8, kinds: tuple[Kind, ...] = KINDS
    ) -> Found:
        """Find where the files speak of something; `query` is a question, a few words, or the name of a function.

        `kinds` narrows it to some kinds of sources.
        """
        until = self.clock.elapsed() + timedelta(seconds=min(PATIENCE, self.turn.remaining / 2))
        hits, coverage, unmeant = await self._run(find, query, limit, self._reader(), kinds)
        while not coverage.is_complete and self.clock.elapsed() < until:
            self.turn.progress(coverage.done, coverage.total, "files indexed")
            await self.clock.sleep(SLICE)
            hits, coverage, unmeant = await self._run(find, query, limit, self._reader(), kinds)
        return Found(
            citations=tuple(f"{hit.path}:{hit.line}" for hit in hits),
            hits=tuple(hits),
            complete=coverage.is_complete,
            note=_note(coverage, unmeant),
        )

    @tool(read_only=True)
    async def read(self, place: str) -> Passage:
        """Read on at `place`: `path:line` is the function or section there, `path:first-last` those lines.

        A path alone is the file from its start, anything else the function, class or section of that name.
        """
        found = await self._run(look, place, self._reader())
        if found is None:
            raise InvalidMessage(f"nothing stands at {place!r}; write a citation of `search`, a path or a name")
        return found

    @tool(read_only=True)
    async def outline(self, path: str = "") -> list[Entry]:
        """Return what the file at `path` defines, or which files a folder holds, with how each begins."""
        return await self._run(contents, path, self._reader())

    @tool(read_only=True)
    async def why(self, target: str) -> list[Decision]:
        """Return the decisions that govern a path, or the name of a function, class or section; the nearest first."""
        return await self._run(reasons, target, self._reader())

    @tool(read_only=True)
    async def history(self, about: str, limit: Annotated[int, Meta(ge=1, le=50)] = 8) -> History:
        """Return the last commits that changed a path, or else those that speak of something, and whom they concern.

        `likely` are the files that a change of which these words are said would touch.
        """
        return await self._run(changes, about, limit, self._reader())

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

    def _reader(self) -> Reader:
        """Return who asks: what bears a label is there for those alone whom `readers` names for it."""
        names = {self.turn.principal, f"tenant:{self.turn.tenant}"}
        hidden = [glob for glob, label in self.labels.items() if names.isdisjoint(self.readers.get(label, ()))]
        return Reader(self.turn.tenant, tuple(hidden))

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


def _note(coverage: Coverage, unmeant: int) -> str:
    if not coverage.is_complete:
        return f"still indexing: {coverage.done} of {coverage.total} files"
    if unmeant > FEW and not is_installed(*NEEDED):
        return MISSING
    if unmeant > FEW:
        return f"{unmeant} passages are found by their words only, until their meaning is indexed as well"
    if not coverage.unread:
        return ""
    files = "1 file was" if coverage.unread == 1 else f"{coverage.unread} files were"
    return f"{files} not read: too large, not UTF-8 text, or not allowed"
