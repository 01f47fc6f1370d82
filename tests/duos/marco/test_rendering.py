"""A page that its scripts make is read as they make it, and whatever they try reaches only what the MAD may reach.

With real Chromium where it is installed; where it is not, what is said then is what is tested.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any, cast

import pytest

from mads import Egress
from mads.duos.marco.browser import NAMES, Browser
from mads.duos.marco.copies import Copy
from mads.duos.marco.rendering import LARGEST, MOST, Rendering, rendered
from mads.egress.broker import Broker, For
from mads.egress.grants import Grants
from mads.testing import reaching
from mads.wire.errors import Denied, Failed
from mads.wire.web import Answer, Ask
from tests.egress.outside import Outside, outside

COVERS = ("R-106", "R-108")

SITE = "https://e.org"
INSTALLED = any(map(shutil.which, NAMES))


class Silent:
    """A browser that is not there."""

    hear: Any = None


class Through:
    """An `Egress` that asks a real broker."""

    def __init__(self, *may: str) -> None:
        self.broker = Broker({"marco": Grants(may)})
        self.refused: list[str] = []

    async def request(self, method: str, url: str, *, timeout: float, **more: Any) -> Answer:
        """Return the answer of the broker."""
        try:
            async with asyncio.timeout(timeout):
                answer, _ = await self.broker.answer(For("marco"), Ask(method, url, **more))
        except Denied:
            self.refused.append(url)
            raise
        return answer


def copy(url: str = f"{SITE}/page", body: bytes = b"") -> Copy:
    """Return a page as its server sent it."""
    return Copy(url, 200, "text/html", "utf-8", body, 0.0)


def wanted(url: str, kind: str = "XHR", method: str = "GET") -> dict[str, Any]:
    """Return what a browser says that wants something."""
    return {
        "requestId": "1",
        "resourceType": kind,
        "request": {"url": url, "method": method, "headers": {"Cookie": "a"}},
    }


def page_of(egress: Any) -> Rendering:
    """Return a page whose browser says nothing."""
    return Rendering(cast("Browser", Silent()), cast("Egress", egress), copy(body=b"first"), "mads")


async def test_the_page_itself_is_not_asked_for_again_and_nothing_of_the_browser_s_is_sent_on() -> None:
    egress = reaching({f"{SITE}/a": Answer(200, {}, f"{SITE}/a", b"a")})
    page = page_of(egress)
    first = await page.answer(wanted(f"{SITE}/page#top", "Document"))
    assert first is not None
    assert first.body == b"first"
    second = await page.answer(wanted(f"{SITE}/a#x"))
    assert second is not None
    assert second.body == b"a"
    [ask] = egress.asked
    assert (ask.url, {*ask.headers}) == (f"{SITE}/a", {"User-Agent", "Accept"})


@pytest.mark.parametrize(
    ("url", "kind", "method"),
    [
        (f"{SITE}/a", "XHR", "POST"),
        (f"{SITE}/a", "Preflight", "OPTIONS"),
        (f"{SITE}/a", "Image", "GET"),
        (f"{SITE}/a", "Media", "GET"),
        (f"{SITE}/a", "Ping", "GET"),
        ("wss://e.org/a", "WebSocket", "GET"),
        (f"{SITE}/a", "Other", "GET"),
    ],
)
async def test_what_does_not_make_the_text_of_a_page_or_changes_something_is_not_asked_for(
    url: str, kind: str, method: str
) -> None:
    egress = reaching({})
    assert await page_of(egress).answer(wanted(url, kind, method)) is None
    assert not egress.asked


async def test_where_the_mad_may_not_go_neither_may_its_page_whatever_the_scheme() -> None:
    through = Through("net:*")
    for url in ("http://127.0.0.1/", "http://169.254.169.254/x", "http://[::1]/", "file:///etc/passwd", "ftp://e.org/"):
        assert await page_of(through).answer(wanted(url, "Document")) is None
    assert len(through.refused) == 3
    await through.broker.close()


async def test_a_page_is_given_so_much_and_no_more() -> None:
    egress = reaching({f"{SITE}/a": Answer(200, {}, f"{SITE}/a", bytes(LARGEST // 4))})
    page = page_of(egress)
    given = [await page.answer(wanted(f"{SITE}/a")) for _ in range(MOST + 5)]
    assert sum(it is not None for it in given) <= MOST
    assert len(egress.asked) == MOST
    assert egress.asked[-1].limit == 1


async def test_without_chromium_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Failed, match=r"Chromium is not installed here; install it .*apt install chromium"):
        await rendered(cast("Egress", reaching({})), copy(), "mads")


ATTACK = """<title>a</title><p id=made>empty</p>
<meta http-equiv=refresh content="60;url=%(to)s/refresh">
<link rel=stylesheet href="%(to)s/css"><link rel=prefetch href="%(to)s/prefetch"><link rel=preconnect href="%(to)s/">
<img src="%(to)s/img"><iframe src="%(to)s/frame"></iframe><iframe src="/inward"></iframe><object data="%(to)s/object">
</object><embed src="%(to)s/embed"><video src="%(to)s/video"></video><script src="%(to)s/script"></script>
<iframe src="file:///etc/passwd"></iframe><form id=f method=post action="%(to)s/form" target=hidden></form>
<iframe name=hidden></iframe><a id=d download href="%(to)s/download">d</a>
<script>
const to = "%(to)s";
const quiet = work => { try { const made = work(); if (made && made.catch) made.catch(() => 0) } catch {} };
quiet(() => fetch(to + "/fetch", {mode: "no-cors"}));
quiet(() => fetch("/inward"));
quiet(() => fetch("http://rebind.test:" + to.split(":")[2] + "/"));
quiet(() => new WebSocket(to.replace("http", "ws")));
quiet(() => new EventSource(to + "/events"));
quiet(() => navigator.sendBeacon(to + "/beacon", "x"));
quiet(() => navigator.serviceWorker.register("/worker.js"));
quiet(() => new Worker(URL.createObjectURL(new Blob(["fetch('" + to + "/worker')"]))));
quiet(() => new Worker("/worker.js"));
quiet(() => open(to + "/window"));
quiet(() => document.getElementById("f").submit());
quiet(() => document.getElementById("d").click());
const turn = {urls: to.replace("http://", "turn:") + "?transport=tcp", username: "a", credential: "b"};
quiet(() => { const it = new RTCPeerConnection({iceServers: [turn]}); it.createDataChannel("x");
  return it.createOffer().then(o => it.setLocalDescription(o)) });
quiet(() => import(to + "/module.js"));
quiet(() => new WebTransport(to.replace("http:", "https:")));
fetch("/data").then(it => it.text()).then(text => { document.getElementById("made").textContent = "made of " + text });
</script>"""


@pytest.mark.slow
async def test_a_page_is_as_its_scripts_make_it_and_nothing_that_they_try_reaches_the_inside() -> None:
    reached = 0

    async def canary(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal reached
        reached += 1
        writer.close()

    inside = await asyncio.start_server(canary, "127.0.0.1", 0)
    to = f"http://127.0.0.1:{inside.sockets[0].getsockname()[1]}"

    async def respond(_: Outside, asked: bytes, writer: asyncio.StreamWriter) -> None:
        path = asked.split(b" ")[1]
        body = {b"/data": b"data", b"/worker.js": f"fetch('{to}/worker')".encode()}.get(path, b"")
        lead = f"HTTP/1.1 302 X\r\nlocation: {to}/led\r\n" if path == b"/inward" else "HTTP/1.1 200 OK\r\n"
        kind = "content-type: text/javascript\r\n" if path == b"/worker.js" else ""
        writer.write(f"{lead}{kind}content-length: {len(body)}\r\n\r\n".encode() + body)

    async with inside, outside(respond) as site:
        through = Through(site.may)
        page = copy(site.url("/page"), (ATTACK % {"to": to}).encode())
        try:
            said = (await rendered(cast("Egress", through), page, "mads")).body
            assert b"made of data" in said
            assert b"root:" not in said
            assert {f"{to}/fetch", f"{to}/led", f"{to}/frame", f"{to}/css"} <= {*through.refused}
        except Failed as error:
            assert not INSTALLED
            assert "install it" in str(error)
        await through.broker.close()
    assert reached == 0
