"""Marco asks as a site wants to be asked, keeps copies, and says in the words of errors why he brings nothing.

Covers the MAD by itself, with an outside that the test makes up. What he does in a system is in `tests/behaviour`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from mads.duos.marco import Marco
from mads.duos.marco.manners import Sites
from mads.duos.marco.marco import SILENT
from mads.testing import inline, reaching, ticking, turning
from mads.wire.errors import Denied, InvalidMessage, NoResponder, Overloaded
from mads.wire.web import Answer

COVERS = ("R-108", "R-109")

SITE = "https://e.org"
ROBOTS = f"{SITE}/robots.txt"
PAGE = f"{SITE}/page"


def said(body: str | bytes = "", status: int = 200, url: str = PAGE, **headers: str) -> Answer:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, told, url, body.encode() if isinstance(body, str) else body)


class Trip:
    """Marco, the outside he goes to, and his clock."""

    def __init__(self, folder: Path, answers: dict[str, Any], **more: Any) -> None:
        self.egress, self.clock = reaching({ROBOTS: said(status=404), **answers}), ticking()
        self.marco = Marco(
            egress=self.egress,
            workers=inline(),
            clock=self.clock,
            turn=turning(),
            sites=Sites(),
            folder=str(folder),
            **more,
        )

    @property
    def asked(self) -> list[str]:
        """Return what was asked for, but robots.txt."""
        return [ask.url for ask in self.egress.asked if ask.url != ROBOTS]


async def test_a_page_comes_as_text_passages_or_as_it_is(tmp_path: Path) -> None:
    trip = Trip(tmp_path, {PAGE: said("<title>T</title><h1>Fruit</h1><p>Apples cost 5 euro.</p><a href='/b'>more</a>")})
    page = await trip.marco.read(PAGE, article=False)
    assert (page.url, page.title, page.media) == (PAGE, "T", "text/html")
    assert [(link.url, link.text) for link in page.links] == [(f"{SITE}/b", "more")]
    assert (await trip.marco.search_page(PAGE, "what do apples cost")).passages[0].heading == "Fruit"
    assert (await trip.marco.fetch(PAGE)).text.startswith("<title>T</title>")


@pytest.mark.parametrize("page", ["", "<html><body><div id=app></div><script>draw()</script></body></html>"])
async def test_of_a_page_that_says_nothing_without_its_scripts_that_is_told(tmp_path: Path, page: str) -> None:
    trip = Trip(tmp_path, {PAGE: said(page, content_type="text/html")})
    read = await trip.marco.read(PAGE)
    assert (read.text, read.warnings) == ("", (SILENT,))


async def test_a_fresh_copy_is_not_asked_for_again_and_an_old_one_only_whether_it_has_changed(tmp_path: Path) -> None:
    answers = [
        said("one", cache_control="max-age=60", etag='"1"'),
        said(status=304),
        said("two", cache_control="no-store"),
    ]
    trip = Trip(tmp_path, {PAGE: answers})
    for _ in range(2):
        assert (await trip.marco.fetch(PAGE)).text == "one"
    assert len(trip.asked) == 1
    await trip.clock.sleep(61)
    assert (await trip.marco.fetch(PAGE)).text == "one"
    assert trip.egress.asked[-1].headers["If-None-Match"] == '"1"'
    assert (await trip.marco.fetch(PAGE)).text == "two"


async def test_what_may_not_be_kept_is_not(tmp_path: Path) -> None:
    trip = Trip(tmp_path, {PAGE: [said("one", cache_control="no-store", etag='"1"'), said("two")]})
    assert [(await trip.marco.fetch(PAGE)).text for _ in range(2)] == ["one", "two"]
    assert not (tmp_path / "copies").exists()


async def test_copies_of_one_tenant_are_nobody_elses(tmp_path: Path) -> None:
    mine = Trip(tmp_path, {PAGE: said("mine", cache_control="max-age=60")})
    await mine.marco.fetch(PAGE)
    other = Trip(tmp_path, {PAGE: said("theirs")})
    other.marco.turn = turning(tenant="other")
    assert (await other.marco.fetch(PAGE)).text == "theirs"


@pytest.mark.parametrize(("status", "mark"), [(200, ""), (200, "\ufeff"), (500, "")])
async def test_a_site_that_does_not_want_to_be_fetched_is_not_unless_its_owner_says_so(
    tmp_path: Path, status: int, mark: str
) -> None:
    rules = {ROBOTS: said(f"{mark}User-agent: *\nDisallow: /page", status), PAGE: said("x")}
    trip = Trip(tmp_path, rules)
    with pytest.raises(Denied, match=r"robots\.txt of https://e\.org asks 'mads' not to fetch '/page'"):
        await trip.marco.fetch(PAGE)
    assert trip.asked == []
    assert (await Trip(tmp_path, rules, robots=False).marco.fetch(PAGE)).text == "x"


async def test_a_site_is_left_the_pause_it_asks_for(tmp_path: Path) -> None:
    trip = Trip(tmp_path, {ROBOTS: said("User-agent: *\nCrawl-delay: 7"), PAGE: said("x")})
    await trip.marco.fetch(PAGE)
    before = trip.clock.elapsed()
    await trip.marco.fetch(PAGE)
    assert (trip.clock.elapsed() - before).total_seconds() == pytest.approx(7)
    assert [ask.url for ask in trip.egress.asked].count(ROBOTS) == 1


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (said(status=404), InvalidMessage, "answered 404"),
        (said(status=403), Denied, "not for everybody"),
        (said(status=500), NoResponder, "answered 500"),
        (said(b"\x89PNG\r\n\x1a\n"), InvalidMessage, "use `download`"),
    ],
)
async def test_what_cannot_be_read_says_why(tmp_path: Path, answer: Answer, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        await Trip(tmp_path, {PAGE: answer}).marco.read(PAGE)


async def test_a_site_that_says_not_now_is_left_alone_for_as_long_as_it_says(tmp_path: Path) -> None:
    trip = Trip(tmp_path, {PAGE: [said(status=429, retry_after="120"), said("x")]})
    for words in ("answered 429", "wants to be left alone for 1"):
        with pytest.raises(Overloaded, match=words) as caught:
            await trip.marco.fetch(PAGE)
        assert caught.value.retry_after is not None
    await trip.clock.sleep(121)
    assert (await trip.marco.fetch(PAGE)).text == "x"


@pytest.mark.parametrize(
    "url", ["ftp://e.org/x", "/etc/passwd", "file:///etc/passwd", "http://[", "http://e.org:x/", ""]
)
async def test_what_is_no_page_of_the_web_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidMessage, match="write https://HOST/PATH"):
        await Trip(tmp_path, {}).marco.fetch(url)


async def test_a_download_lies_under_its_hash_and_the_doubtful_apart(tmp_path: Path) -> None:
    evil = f"{SITE}/../../evil.sh"
    trip = Trip(tmp_path, {PAGE: said("words"), evil: said("#!/bin/sh\n", url=evil)})
    kept, doubtful, again = [await trip.marco.download(url) for url in (PAGE, evil, PAGE)]
    assert kept == again
    assert read(kept.path) == (tmp_path / "files" / f"{hashlib.sha256(b'words').hexdigest()}.txt", "words", 0o600)
    assert read(doubtful.path)[0].parent == tmp_path / "quarantine"
    assert doubtful.faults == ("it does something when it is opened (text/x-shellscript)",)


def read(path: str) -> tuple[Path, str, int]:
    file = Path(path)
    return file, file.read_text(encoding="utf-8"), file.stat().st_mode & 0o777
