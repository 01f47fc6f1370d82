"""How many values a second are kept, each on disk before it is acknowledged, beside a loop that commits each row.

Both write the same rows with the same settings of SQLite, to the disk on which a system keeps its own.
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from mads.host.loop import new_loop
from mads.store.kept import open_rows
from mads.store.port import KeptRows, Scope
from mads.store.sqlite import Connection, connect

FOLDER = Path(__file__).parent.parent / ".mads"
NOTES = Scope(tenant="acme", mad="scribe", field="notes", type="scribe.Note.v1")
BODY = bytes(500)
PRODUCERS = (1, 8, 64)
SECONDS = 0.5
ROUNDS = 5


def bare(connection: Connection) -> float:
    """Return how many rows a second a plain loop over the driver inserts."""
    count, end = 0, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        connection.execute("INSERT INTO bare (body) VALUES (?)", (BODY,))
        count += 1
    return count / SECONDS


async def kept(rows: KeptRows, producers: int) -> float:
    """Return how many rows a second so many tasks add, each of which waits for one before it adds the next."""
    end = time.perf_counter() + SECONDS

    async def produce() -> int:
        count = 0
        while time.perf_counter() < end:
            await rows.add(NOTES, BODY)
            count += 1
        return count

    return sum(await asyncio.gather(*(produce() for _ in range(producers)))) / SECONDS


async def measure() -> dict[str, float]:
    """Return the rows a second of the loop and of 1, 8 and 64 producers, and how many times the loop's these are."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        connection = connect(Path(folder) / "bare.sqlite")
        connection.execute("CREATE TABLE bare (body BLOB)")
        rows = await open_rows(Path(folder) / "store.sqlite")
        rounds = [(bare(connection), [await kept(rows, count) for count in PRODUCERS]) for _ in range(ROUNDS)]
        await rows.close()
        connection.close()
    figures = {"store_bare_rows_s": round(statistics.median(base for base, _ in rounds))}
    for place, count in enumerate(PRODUCERS):
        figures[f"store_{count}_rows_s"] = round(statistics.median(ours[place] for _, ours in rounds))
    ratios = {
        f"store_{count}_ratio": round(statistics.median(ours[place] / base for base, ours in rounds), 2)
        for place, count in enumerate(PRODUCERS)
    }
    return figures | ratios


def run() -> dict[str, float]:
    """Measure on the loop that mads uses."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(measure())


if __name__ == "__main__":
    from benchmarks.report import report

    report("store", run())
