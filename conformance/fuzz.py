"""A fuzzer that others wrote knocks at the gateway with broken messages and hostile arguments, and nothing may break.

It counts its own crashes and the answers that are no MCP. That a tool which echoes text echoes a hostile one, and
that what is malformed but harmless is answered, it lists as findings: they are not counted here.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path

from benchmarks.gateway import door
from benchmarks.report import report
from benchmarks.rivals import installed

from mads.gateway.server import serve
from mads.host.loop import new_loop

PACKAGE = "mcp-fuzzer==0.7.0"
RUNS, EACH_TYPE = 10, 5
COUNTED = re.compile(r"(\d+) transport/protocol anomalies, (\d+) crashes")


async def fuzz() -> dict[str, float | None]:
    """Return how often the gateway was called, and how often something broke; None where there is no fuzzer."""
    python = await asyncio.to_thread(installed, "mcp-fuzzer", PACKAGE)
    if python is None:
        return {"fuzz_tools": None, "fuzz_anomalies": None, "fuzz_crashes": None}
    async with door() as opened:
        running = await serve(opened, port=0)
        told = await _told_by(python.with_name("mcp-fuzzer"), running.address)
        await running.close()
    found = [(int(anomalies), int(crashes)) for anomalies, crashes in COUNTED.findall(told)]
    if not found:
        print(told)
    anomalies, crashes = sum(each[0] for each in found), sum(each[1] for each in found)
    return {"fuzz_tools": len(found), "fuzz_anomalies": anomalies, "fuzz_crashes": crashes}


async def _told_by(fuzzer: Path, address: str) -> str:
    words = ["--mode", "all", "--phase", "aggressive", "--protocol", "streamablehttp", "--endpoint", address]
    words += ["--runs", str(RUNS), "--runs-per-type", str(EACH_TYPE), "--seed", "1"]
    words += ["--no-network", "--allow-host", "127.0.0.1"]
    with tempfile.TemporaryDirectory() as folder:
        pipe, along = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
        process = await asyncio.create_subprocess_exec(fuzzer, *words, cwd=folder, stdout=pipe, stderr=along)
        async with asyncio.timeout(600):
            told, _ = await process.communicate()
    return told.decode(errors="replace")


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_loop) as runner:
        counted = runner.run(fuzz())
    report("the gateway, fuzzed from outside", counted)
    sys.exit(0 if counted["fuzz_tools"] is None or (counted["fuzz_tools"] and not counted["fuzz_crashes"]) else 1)
