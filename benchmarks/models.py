"""A model's answer through Fiedler, beside OpenAI's own client; streams, the next rung, and a model on this machine.

The provider is a process of its own on this machine. `*_ms` are milliseconds of this process's CPU a call, `next_rung`
is time on the clock from a refusal to the answer of the next model, less what that takes when it is asked at first.
`*_at_once` is the same where four are read side by side: a process that sleeps between two pieces pays for waking up.
`local_tok_s` is how fast the small model writes by itself on all cores but one; it needs `.weights` (`make test`).
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.report import report
from openai import AsyncOpenAI

from mads.duos.fiedler.local import Local
from mads.duos.fiedler.mad import Fiedler
from mads.duos.fiedler.shelf import added
from mads.host.config import MadConfig
from mads.host.loop import new_loop
from mads.testing.placed import placed
from mads.testing.provider import Provider, Say, provider
from mads.wire.errors import UsageError
from mads.wire.model import ModelMessage, ModelRequest, Usage

CALLS, ROUNDS, CHUNKS, TOKENS, AT_ONCE = 100, 5, 50, 128, 4
SAID = "word " * 50
ASKED = ModelRequest((ModelMessage("user", SAID),))
WEIGHTS = Path(__file__).parent.parent / ".weights"


def run() -> dict[str, float | None]:
    """Return what an answer costs, and where another stands beside it."""
    with provider() as first, provider() as second, asyncio.Runner(loop_factory=new_loop) as runner:
        figures = runner.run(_measured(first, second))
        return {**figures, "local_tok_s": runner.run(_local())}


async def _measured(first: Provider, second: Provider) -> dict[str, float | None]:
    providers = {"a": {"url": first.url, "models": {"a": "m"}}, "b": {"url": second.url, "models": {"b": "m"}}}
    may = tuple(f"net:{it.root.removeprefix('http://')}" for it in (first, second))
    settings = {"providers": providers, "policy": [{"models": ["a", "b"]}]}
    fiedler = MadConfig("mads.duos.fiedler:Fiedler", may=may, set=settings, at_once=64)
    with tempfile.TemporaryDirectory() as folder:
        async with placed(Path(folder), fiedler=fiedler, strict=False) as it:
            asked = it.mad(Fiedler)
            sdk = AsyncOpenAI(base_url=first.url, api_key="none", max_retries=0)

            async def ours() -> None:
                await asked.complete(ASKED)

            async def theirs() -> None:
                await sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": SAID}])

            async def streamed() -> None:
                async for _ in asked.stream(ASKED):
                    pass

            async def streamed_by_sdk() -> None:
                stream = await sdk.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": SAID}], stream=True
                )
                async for _ in stream:
                    pass

            rounds = [(await _cpu(theirs), await _cpu(ours)) for _ in range(ROUNDS)]
            sdk_ms, fiedler_ms = (statistics.median(each) for each in zip(*rounds, strict=True))
            first.say(Say(chunks=CHUNKS), always=True)
            chunks = [(await _cpu(streamed_by_sdk), await _cpu(streamed)) for _ in range(ROUNDS)]
            sdk_stream, stream = (statistics.median(each) for each in zip(*chunks, strict=True))
            chunks = [(await _cpu(streamed_by_sdk, AT_ONCE), await _cpu(streamed, AT_ONCE)) for _ in range(ROUNDS)]
            sdk_streams, streams = (statistics.median(each) for each in zip(*chunks, strict=True))
            rung = await _next_rung(asked, first)
            await sdk.close()
    return {
        "sdk_ms": round(sdk_ms, 3),
        "fiedler_ms": round(fiedler_ms, 3),
        "above_sdk_ms": round(fiedler_ms - sdk_ms, 3),
        "sdk_50_chunks_ms": round(sdk_stream, 3),
        "fiedler_50_chunks_ms": round(stream, 3),
        "sdk_50_chunks_at_once_ms": round(sdk_streams, 3),
        "fiedler_50_chunks_at_once_ms": round(streams, 3),
        "next_rung_ms": round(rung, 2),
    }


async def _cpu(work: Callable[[], Awaitable[None]], at_once: int = 1) -> float:
    """Return the milliseconds of CPU that one call takes where so many are made side by side."""

    async def some() -> None:
        for _ in range(CALLS // at_once):
            await work()

    await work()
    began = time.process_time()
    await asyncio.gather(*(some() for _ in range(at_once)))
    return (time.process_time() - began) * 1000 / CALLS


async def _next_rung(asked: Fiedler, first: Provider) -> float:
    """Return the milliseconds that a refusal adds to the answer of the next model."""
    added_ms: list[float] = []
    for _ in range(20):
        first.say(Say(status=503, retry_after=0))
        began = time.perf_counter()
        await asked.complete(ASKED)
        both = time.perf_counter() - began
        began = time.perf_counter()
        await asked.complete(ModelRequest(ASKED.messages, model="b"))
        added_ms.append((both - (time.perf_counter() - began)) * 1000)
    return statistics.median(added_ms)


async def _local() -> float | None:
    """Return the tokens that a model on this machine writes in a second; None where there is none."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            added(Path(folder), "smollm2-135m", inside=[WEIGHTS])
        except UsageError as missing:
            print(f"local_tok_s: {missing}; or, in a copy of the source: make .weights/ready", file=sys.stderr)
            return None
        local = Local(Path(folder))
        try:
            await local.complete("smollm2-135m", ModelRequest((ModelMessage("user", "Hi."),), max_tokens=2))
            asked = ModelRequest(
                (ModelMessage("user", "Tell a long story of the sea."),), max_tokens=TOKENS, temperature=0
            )
            stream, usage = local.stream("smollm2-135m", asked), Usage()
            await anext(stream)
            began = time.perf_counter()
            async for item in stream:
                usage = usage if isinstance(item, str) else item.usage or usage
            return round(usage.output / (time.perf_counter() - began), 1)
        finally:
            await local.close()


if __name__ == "__main__":
    report("a model's answer, beside OpenAI's own client", run())
