"""A page as its scripts make it: whatever the browser wants is asked for through the broker, and given to it.

So each request of the page, a redirect's too, goes where the MAD may go and nowhere else, is looked through before it
leaves, and is on record and in the audit like any other. What is not asked for here has no way to be asked for at all.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from mads import CallError, Egress
from mads.duos.marco.browser import Browser, browser
from mads.duos.marco.copies import Copy
from mads.wire.errors import Failed
from mads.wire.web import Answer

KINDS = frozenset({"Document", "Script", "XHR", "Fetch", "Stylesheet"})
"""What a page is given: what makes its text."""

MOST, LARGEST, EACH = 200, 24_000_000, 8.0
"""How many things a page is given, of how many bytes together, and the seconds in which each has to come."""

PATIENCE, QUIET, SILENT = 20.0, 0.5, 3.0
"""Seconds that a page has, and for which it has to want nothing more to be as its scripts make it: loaded, or not."""

OURS = frozenset({"content-length", "content-encoding", "transfer-encoding", "connection", "set-cookie", "alt-svc"})
"""Headers that say how an answer travelled, or what is not for a browser that is thrown away."""


class Rendering:
    """One page in a browser; `copy` is the page as its server sent it, which is not asked for again."""

    def __init__(self, within: Browser, egress: Egress, copy: Copy, agent: str) -> None:
        self._browser, self._egress, self._copy, self._agent = within, egress, copy, agent
        self._first = True
        self._session = ""
        self._left, self._bytes = MOST, LARGEST
        self._open = 0
        self._loaded, self._changed = False, asyncio.Event()
        self._tasks = set[asyncio.Task[None]]()
        within.hear = self._hear

    async def html(self) -> tuple[str, str]:
        """Return where the page is and what it is, once it wants nothing more, or its time is over."""
        target = await self._browser.ask("Target.createTarget", url="about:blank")
        attached = await self._browser.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        await self._ask("Fetch.enable", patterns=[{"urlPattern": "*"}])
        await self._ask("Page.enable")
        await self._ask("Network.enable")
        await self._ask("Network.setBypassServiceWorker", bypass=True)
        await self._browser.ask("Browser.setDownloadBehavior", behavior="deny")
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._ask("Page.navigate", url=self._copy.url)
                await self._settled()
        async with asyncio.timeout(EACH):
            root = (await self._ask("DOM.getDocument", depth=0))["root"]["nodeId"]
            html = (await self._ask("DOM.getOuterHTML", nodeId=root))["outerHTML"]
            url = (await self._ask("Page.getFrameTree"))["frameTree"]["frame"]["url"]
        if not url.startswith(("http:", "https:")):
            raise Failed(f"{self._copy.url} leads the browser to {url!r:.100}, where nothing is to be read")
        return url, html

    async def close(self) -> None:
        """Ask for nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        return await self._browser.ask(method, self._session, **params)

    async def _settled(self) -> None:
        while True:
            self._changed.clear()
            try:
                async with asyncio.timeout(None if self._open else QUIET if self._loaded else SILENT):
                    await self._changed.wait()
            except TimeoutError:
                return

    def _hear(self, method: str, said: dict[str, Any]) -> None:
        match method:
            case "Fetch.requestPaused":
                self._begin(self._give(said))
            case "Page.loadEventFired":
                self._loaded = True
                self._changed.set()
            case "Page.javascriptDialogOpening":
                self._begin(self._dismiss())
            case _:
                pass

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._open += 1
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._open -= 1
        self._changed.set()

    async def _dismiss(self) -> None:
        with suppress(CallError):
            await self._ask("Page.handleJavaScriptDialog", accept=False)

    async def _give(self, said: dict[str, Any]) -> None:
        """Give the browser what it wants, or let that fail."""
        with suppress(CallError):
            answer = await self.answer(said)
            if answer is None:
                await self._ask("Fetch.failRequest", requestId=said["requestId"], errorReason="Aborted")
                return
            headers = [{"name": name, "value": it} for name, it in answer.headers.items() if name not in OURS]
            await self._ask(
                "Fetch.fulfillRequest",
                requestId=said["requestId"],
                responseCode=answer.status,
                responseHeaders=headers,
                body=base64.b64encode(answer.body).decode(),
            )

    async def answer(self, said: dict[str, Any]) -> Answer | None:
        """Return the answer to what the browser wants; None where it may not be asked for, or nobody answers."""
        request = said["request"]
        url: str = request["url"]
        if (
            self._first
            and said["resourceType"] == "Document"
            and url.partition("#")[0] == self._copy.url.partition("#")[0]
        ):
            self._first = False
            kind = f"{self._copy.told}; charset={self._copy.charset}" if self._copy.charset else self._copy.told
            return Answer(self._copy.status, {"content-type": kind}, url, self._copy.body)
        if request["method"] not in ("GET", "HEAD") or said["resourceType"] not in KINDS or self._left <= 0:
            return None
        self._left -= 1
        try:
            answer = await self._egress.request(
                *(request["method"], _bare(url)),
                headers={"User-Agent": self._agent, "Accept": "*/*"},
                timeout=EACH,
                limit=max(1, min(self._bytes, 8_000_000)),
                redirects=0,
            )
        except CallError:
            return None
        self._bytes -= len(answer.body)
        return answer


def _bare(url: str) -> str:
    return url.partition("#")[0]


async def rendered(egress: Egress, copy: Copy, agent: str) -> Copy:
    """Return `copy` as its scripts make it; raise `Failed` where there is no browser, or it fails."""
    async with browser() as within:
        page = Rendering(within, egress, copy, agent)
        try:
            url, html = await page.html()
        except TimeoutError:
            raise Failed(f"{copy.url} keeps the browser so busy that it says nothing any more") from None
        finally:
            await page.close()
    return replace(copy, url=url, told="text/html", charset="utf-8", body=html.encode("utf-8", "replace"))
