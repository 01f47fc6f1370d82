"""Chromium for one page: no way out of its own, a profile that is thrown away, spoken to over a pipe, and ended whole.

Every name it would resolve is unknown to it, and the proxy that it knows is a port where nobody listens. So it comes by
nothing but what is put into it over the pipe.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from mads.upstream import keeper
from mads.wire.errors import Failed, Lost

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
LARGEST = 32 * 1024 * 1024
"""Bytes that one message of the browser may have."""

MEMORY = 1_500_000_000
"""Bytes that all processes of the browser may take together."""

LOOK = 0.5
"""Seconds between two looks at how much it takes."""

_OFF = (
    *("background-networking", "client-side-phishing-detection", "component-update", "default-apps", "breakpad"),
    *("domain-reliability", "extensions", "gpu", "quic", "sync", "notifications", "dev-shm-usage"),
    *("site-isolation-trials", "3d-apis", "remote-fonts", "file-system", "databases"),
)
"""What it does not do."""

_FEATURES = "IsolateOrigins,site-per-process,MediaRouter,OptimizationHints,Translate,WebRtcHideLocalIpsWithMdns"
_FLAGS = (
    *("--headless=new", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check", "--mute-audio"),
    *(f"--disable-{it}" for it in _OFF),
    f"--disable-features={_FEATURES}",
    *("--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-bypass-list=<-loopback>", "--block-new-web-contents"),
    *("--force-webrtc-ip-handling-policy=disable_non_proxied_udp", "--renderer-process-limit=1"),
    *("--js-flags=--max-old-space-size=256", "--blink-settings=imagesEnabled=false", "--password-store=basic"),
)

_PIPED = (
    "import fcntl, os, sys\n"
    "ends = [fcntl.fcntl(int(it), fcntl.F_DUPFD, 10) for it in sys.argv[1:3]]\n"
    "[os.dup2(end, number) for number, end in enumerate(ends, 3)]\n"
    "os.execvp(sys.argv[3], sys.argv[3:])\n"
)
"""Gives a command its two ends of the pipe as the numbers 3 and 4, by which Chromium knows them."""


class Browser:
    """A browser that was started; `hear` is told its events."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0
        self.hear: Callable[[str, dict[str, Any]], None] = _unheard

    async def ask(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Return the result of a method of the DevTools protocol; raise `Failed` where there is none."""
        self._number += 1
        said = {"id": self._number, "method": method, "params": params}
        answer = self._waiting[self._number] = asyncio.get_running_loop().create_future()
        self._writer.write(json.dumps(said | ({"sessionId": session} if session else {})).encode() + b"\0")
        came = await answer
        if "error" in came:
            raise Failed(f"the browser refuses {method}: {str(came['error'].get('message'))[:200]}")
        result: dict[str, Any] = came.get("result", {})
        return result

    async def listen(self) -> None:
        """Hear what the browser says until it says no more."""
        try:
            while True:
                said = json.loads((await self._reader.readuntil(b"\0"))[:-1])
                waiting = self._waiting.pop(said.get("id", 0), None)
                if waiting is None:
                    self.hear(said.get("method", ""), said.get("params", {}))
                elif not waiting.done():
                    waiting.set_result(said)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError):
            for each in self._waiting.values():
                if not each.done():
                    each.set_exception(Lost("the browser ended, as it took too much memory or broke"))


def _unheard(method: str, said: dict[str, Any]) -> None:
    """Let it go."""


def chromium() -> str:
    """Return where Chromium is; raise `Failed` with what to install where it is not."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        raise Failed(
            "this page needs a browser, and Chromium is not installed here; install it (on Debian: apt install "
            "chromium), or read the page without its scripts: browser = false"
        )
    return found


@asynccontextmanager
async def browser() -> AsyncGenerator[Browser]:
    """Start a browser, and end it with all that it started and left behind; as `chromium` raises."""
    path = chromium()
    with (
        tempfile.TemporaryDirectory(prefix="mads-browser-", ignore_cleanup_errors=True) as profile,
        socket.socket() as nobody,
    ):
        nobody.bind(("127.0.0.1", 0))  # it is held, and not listened at: nobody else can be there
        flags = (f"--user-data-dir={profile}", f"--proxy-server=http://127.0.0.1:{nobody.getsockname()[1]}")
        root = ("--no-sandbox",) if os.geteuid() == 0 else ()  # Chromium's own does not start for root
        async with _started((path, *_FLAGS, *flags, *root, "about:blank"), profile) as it:
            yield it


@asynccontextmanager
async def _started(command: tuple[str, ...], home: str) -> AsyncGenerator[Browser]:
    ours, theirs = socket.socketpair()
    with theirs:
        end = theirs.fileno()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(keeper.__file__), str(os.getpid())),
            *(sys.executable, "-I", "-S", "-c", _PIPED, str(end), str(end), *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8"},
            pass_fds=(end,),
            start_new_session=True,
        )
    reader, writer = await asyncio.open_connection(sock=ours, limit=LARGEST)
    it = Browser(reader, writer)
    tasks = [asyncio.create_task(it.listen()), asyncio.create_task(_weighed(process))]
    try:
        yield it
    finally:
        for task in tasks:
            task.cancel()
        _kill(process)
        await asyncio.gather(process.wait(), *tasks, return_exceptions=True)
        writer.close()


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()  # the keeper ends all that it started


async def _weighed(process: asyncio.subprocess.Process) -> None:
    """End the browser once it takes more than it may."""
    while await asyncio.to_thread(_weight, process.pid) < MEMORY:
        await asyncio.sleep(LOOK)
    _kill(process)


def _weight(session: int) -> int:
    """Return the bytes in memory of all processes of a session."""
    pages = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            told = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            pages += int(told[21]) if int(told[3]) == session else 0
    return pages * os.sysconf("SC_PAGE_SIZE")
