"""A double for `Egress`: an outside that is what the test says it is."""
# ruff: noqa: N801  it is used as a verb, like contextlib.closing

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, TypeGuard

import msgspec

from mads.wire.errors import Denied
from mads.wire.secret import SecretRef
from mads.wire.web import LARGEST, Answer, Ask

NONE: Mapping[str, str | SecretRef] = MappingProxyType({})

PIECE = 64
"""Bytes of a piece of a stream: few, so that what a reader expects to be in one may be in two."""


class reaching:
    """An `Egress` that answers by URL; `asked` are the requests.

    An answer is an `Answer`, a text or bytes with the status 200, or an exception to raise; a list is one after the
    other. Any other URL is refused, as one that the MAD may not reach.
    """

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.asked: list[Ask] = []
        self._answers = dict(answers)
        self._turns = Counter[str]()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str | SecretRef] = NONE,
        content: bytes | None = None,
        json: Any = None,
        timeout: float = 30.0,
        limit: int = LARGEST,
        redirects: int = 5,
    ) -> Answer:
        """Return the next answer."""
        del timeout
        content = content or b"" if json is None else msgspec.json.encode(json)
        self.asked.append(Ask(method, url, dict(headers), content, limit, redirects))
        if url not in self._answers:
            raise Denied(f"{url} may not be reached; write reaching({{{url!r}: …}})")
        answer = self._answers[url]
        if _is_list(answer):
            turn = self._turns[url]
            assert turn < len(answer), f"{url} has {turn} answers and was asked for once more"
            self._turns[url] += 1
            answer = answer[turn]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Answer):
            return answer
        return Answer(200, {}, url, answer.encode() if isinstance(answer, str) else bytes(answer))

    @asynccontextmanager
    async def stream(self, method: str, url: str, **asked: Any) -> AsyncGenerator[_Pieces]:
        """Yield the next answer, in small pieces."""
        yield _Pieces(await self.request(method, url, **asked))


class _Pieces:
    def __init__(self, answer: Answer) -> None:
        self.status, self.headers, self.url = answer.status, answer.headers, answer.url
        self._body = answer.body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), PIECE):
            yield self._body[start : start + PIECE]


def _is_list(answer: Any) -> TypeGuard[list[Any]]:
    return isinstance(answer, list)
