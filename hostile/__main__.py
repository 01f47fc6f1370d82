"""`make hostile-web`: everything that could turn a fetch against the inside, or against whoever fetches.

Loopback only. A canary stands where nobody may come; that it can be reached at all is shown with a client that knows no
better. The last line is `N passed, N failed`; with `JSON=1` one JSON object comes after it.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any

import httpx2
from hostile.forms import answers, numeric, urls
from hostile.servers import Server, body, harms, leading

from mads.egress.broker import Broker, For
from mads.egress.grants import Grants
from mads.wire.errors import CallError
from mads.wire.web import Ask

DEADLINE = 1.0
"""Seconds that one hostile answer may take before its call is over; whatever ends then has ended well."""
MEMORY = 60_000
"""Kilobytes by which the process may grow over all of it."""
NAIVE = 30
"""How many forms must bring a client without protection to the canary, or the corpus would show nothing."""


class Loop(asyncio.SelectorEventLoop):
    """A loop whose resolver is the run's own: no name leaves this machine."""

    turns = 0

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> list[Any]:
        """Return what the resolver of the run says; of `rebind.test` one thing and then another."""
        name = host.decode() if isinstance(host, bytes) else str(host)
        self.turns += 1
        found = [("93.184.216.34", "127.0.0.1")[self.turns % 2]] if name == "rebind.test" else answers(name)
        found = numeric(name, port) if found is None else found
        return [(10 if ":" in it else 2, 1, 6, "", (it, port, 0, 0) if ":" in it else (it, port)) for it in found]


class Watch:
    """Sees every connection that the process begins: none leaves the machine; `inside` are those that must not be."""

    def __init__(self) -> None:
        self.granted, self.inside = set[int](), list[str]()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "socket.connect" or isinstance(arguments[1], str | bytes):
            return
        to: tuple[str, int] = arguments[1]
        host, port = to[0], to[1]
        if not ip_address(host.partition("%")[0]).is_global:
            if port not in self.granted:
                self.inside.append(f"{host}:{port}")
            if ip_address(host).is_loopback:
                return
        raise ConnectionRefusedError(f"{host} is not reached in this run")


class Run:
    """Counts what passed and what did not, and says so."""

    def __init__(self) -> None:
        self.passed, self.failed = 0, list[str]()

    def note(self, what: str, *, ok: bool) -> None:
        """Note the outcome of one case."""
        self.passed += ok
        if not ok:
            self.failed.append(what)
            print(f"FAILED {what}")


async def ended(work: Awaitable[Any]) -> bool:
    """Return whether `work` ended by itself with a result or an error of mads, or by its deadline."""
    try:
        async with asyncio.timeout(DEADLINE):
            await work
    except (CallError, TimeoutError):
        pass
    except Exception as error:  # noqa: BLE001  anything else is what the run is to find
        print(f"{type(error).__name__}: {error}")
        return False
    return True


async def corpus(run: Run, watch: Watch, canary: Server) -> None:
    """Ask for every form, with grants that name no address."""
    may = ("net:*", "net:*.test", f"net:*.test:{canary.port}", f"net:*.com:{canary.port}")
    broker = Broker({"mad": Grants(may)})
    for url in urls(canary.port):
        before = len(canary.reached), len(watch.inside)
        ok = await ended(broker.answer(For("mad"), Ask("GET", url)))
        run.note(f"{url!r} reached the inside", ok=ok and (len(canary.reached), len(watch.inside)) == before)
    for _ in range(50):
        ok = await ended(broker.answer(For("mad"), Ask("GET", f"http://rebind.test:{canary.port}/")))
        run.note("a name that is bound anew reached the inside", ok=ok and not canary.reached)
    await broker.close()


async def redirects(run: Run, watch: Watch, canary: Server, server: Server) -> None:
    """Be led on to every form by a server that may be asked."""
    broker = Broker({"mad": Grants([f"net:127.0.0.1:{server.port}", "net:*", f"net:*.test:{canary.port}"])})
    for number, url in enumerate(urls(canary.port)):
        server.answer = leading(url, (301, 302, 303, 307, 308)[number % 5])
        before = len(canary.reached), len(watch.inside)
        asked = Ask("GET", f"http://127.0.0.1:{server.port}/", {"Authorization": "x"})
        ok = await ended(broker.answer(For("mad"), asked))
        run.note(
            f"a redirect to {url!r} reached the inside", ok=ok and (len(canary.reached), len(watch.inside)) == before
        )
    await broker.close()


async def answers_that_harm(run: Run, server: Server) -> None:
    """Read every answer that is too much, never ends, or is none."""
    for name, answer in harms().items():
        broker = Broker({"mad": Grants([f"net:127.0.0.1:{server.port}"])})
        server.answer = answer
        began, size = time.monotonic(), _memory()
        ok = await ended(broker.answer(For("mad"), Ask("GET", f"http://127.0.0.1:{server.port}/", limit=1_000_000)))
        await broker.close()
        grown, took = _memory() - size, time.monotonic() - began
        run.note(f"{name}: {took:.1f} s, {grown:,} kB", ok=ok and took < DEADLINE + 0.5 and grown < MEMORY)


async def control(run: Run, canary: Server) -> None:
    """Show that the canary can be reached by a client that knows no better."""
    async with httpx2.AsyncClient(trust_env=False, follow_redirects=True, timeout=0.3) as client:
        for url in (url for url in urls(canary.port) if str(canary.port) in url):
            try:
                await client.get(url)
            except Exception:  # noqa: BLE001, S112  which forms it refuses is its own business
                continue
    print(f"a plain client reached the canary by {len(canary.reached)} forms")
    run.note("a plain client reaches the canary, so the corpus would show it", ok=len(canary.reached) >= NAIVE)


async def everything() -> Run:
    """Run all of it."""
    run, watch = Run(), Watch()
    phases: tuple[tuple[str, Callable[[Server, Server], Awaitable[None]]], ...] = (
        ("forms of addresses, and a name that is bound anew", lambda canary, _: corpus(run, watch, canary)),
        ("redirects to them", lambda canary, server: redirects(run, watch, canary, server)),
        ("answers that harm", lambda _, server: answers_that_harm(run, server)),
        ("control", lambda canary, _: control(run, canary)),
    )
    async with Server(body(b"canary")).running() as canary, Server(body(b"")).running() as server:
        watch.granted.add(server.port)
        for name, phase in phases:
            before, began = run.passed, time.monotonic()
            await phase(canary, server)
            print(f"{name}: {run.passed - before} passed in {time.monotonic() - began:.1f} s")
    return run


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Run it and exit with 1 where anything failed."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        run = runner.run(everything())
    print(f"{run.passed} passed, {len(run.failed)} failed")
    if os.environ.get("JSON") == "1":
        print(json.dumps({"passed": run.passed, "failed": len(run.failed), "failures": run.failed}))
    sys.exit(1 if run.failed else 0)


if __name__ == "__main__":
    main()
