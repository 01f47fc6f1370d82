"""What a secret costs that is read, with its row of the audit on disk first; beside SQLite, one commit a row.

And how long all of 100,000 take to be put under a new key while others are read: none of those reads may fail.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.report import Figures, report

from mads.host.audit import Trail
from mads.host.commands.envelope import now_ms
from mads.host.secrets.opening import noting
from mads.secrets.permits import Permits
from mads.secrets.root import ReadRoot
from mads.secrets.roots.sources import FileSource
from mads.secrets.safe import About, Safe
from mads.secrets.seal import Seal, Terms
from mads.secrets.vault import StoredVault
from mads.store.database import Database
from mads.store.secrets.port import Grant
from mads.store.secrets.sqlite import SqliteSecrets
from mads.store.secrets.sqlite_grants import SqliteSecretGrants
from mads.store.secrets.sqlite_keys import SqliteSealKeys
from mads.wire.secret import SecretRef

MANY = 100_000
SIDE_BY_SIDE, EACH = 256, 40
AT_REST = 200
ROUNDS = 3
SECRET = b"s" * 40


def run() -> Figures:
    """Return milliseconds of a read at rest, microseconds of one under load, and seconds of a renewal of the root."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measured(Path(folder)))


async def _measured(folder: Path) -> Figures:
    database = await Database.open(folder / "store.sqlite")
    audit = Trail()
    await audit.open(folder, database)
    root = ReadRoot("file", FileSource(folder / "root.key"))
    seal = Seal(SqliteSealKeys(database), root, lambda: bytes(64), Terms(), now_ms)
    store = SqliteSecrets(database)
    safe, permits = Safe(store, seal, now_ms), Permits(SqliteSecretGrants(database), now_ms)
    vault = StoredVault(safe, permits, noting(audit))
    for number in range(64):
        await safe.put("default", f"p{number}", SECRET, About(hosts=("a.org",)))
    await permits.grant(Grant(tenant="default", mad="marco", pattern="*"))
    figures = {
        "commit_ms": await _commit(database),
        "read_at_rest_ms": await _at_rest(vault),
        **await _under_load(vault),
        **await _renewal(database, safe, vault),
    }
    await audit.close()
    await database.close()
    return figures


async def _commit(database: Database) -> float:
    """Return the milliseconds of one commit, which a read at rest waits for."""
    spans: list[float] = []
    await database.write(lambda connection: connection.execute("CREATE TABLE bare (it TEXT)").fetchall())
    for _ in range(AT_REST):
        started = time.perf_counter()
        await database.write(lambda connection: connection.execute("INSERT INTO bare VALUES ('x')").fetchall())
        spans.append(time.perf_counter() - started)
    return round(statistics.median(spans) * 1e3, 3)


async def _at_rest(vault: StoredVault) -> float:
    spans: list[float] = []
    for number in range(AT_REST):
        started = time.perf_counter()
        await _read(vault, number)
        spans.append(time.perf_counter() - started)
    return round(statistics.median(spans) * 1e3, 3)


async def _under_load(vault: StoredVault) -> Figures:
    """Return what one read takes where many are made side by side, by the clock and of the processor."""

    async def reader() -> None:
        for number in range(EACH):
            await _read(vault, number)

    costs: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        started, worked = time.perf_counter(), time.process_time()
        await asyncio.gather(*(reader() for _ in range(SIDE_BY_SIDE)))
        costs.append((time.perf_counter() - started, time.process_time() - worked))
    wall, cpu = (statistics.median(column) / SIDE_BY_SIDE / EACH * 1e6 for column in zip(*costs, strict=True))
    return {"read_under_load_us": round(wall, 1), "read_under_load_cpu_us": round(cpu, 1)}


async def _renewal(database: Database, safe: Safe, vault: StoredVault) -> Figures:
    """Return the seconds of a renewal of the root by itself, and of another beside reads, with how many of those."""
    await _filled(database, safe)
    started, worked = time.perf_counter(), time.process_time()
    count = await safe.renew("")
    alone, cpu = time.perf_counter() - started, time.process_time() - worked
    renewing, reads = asyncio.create_task(safe.renew("")), 0
    started = time.perf_counter()
    while not renewing.done():
        await asyncio.gather(*(_read(vault, number) for number in range(16)))
        reads += 16
    assert await renewing == count
    return {
        "renewed": float(count),
        "renewal_s": round(alone, 2),
        "renewal_cpu_s": round(cpu, 2),
        "renewal_under_load_s": round(time.perf_counter() - started, 2),
        "reads_beside_it": float(reads),
        "reads_failed": 0.0,  # one that failed would have ended the run
    }


async def _filled(database: Database, safe: Safe) -> None:
    """Fill the store with envelopes that are made as every other is, in one transaction."""
    envelopes = [await safe.enclosed("default", f"many/{number}", 1, SECRET, About()) for number in range(MANY)]
    rows = [(it.tenant, it.path, it.sealed, it.wrapped, it.body, it.made) for it in envelopes]
    statement = "INSERT INTO secrets VALUES (?, ?, 1, ?, ?, ?, ?, NULL, NULL, '[]', x'')"
    await database.write(lambda connection: connection.executemany(statement, rows).fetchall())


async def _read(vault: StoredVault, number: int) -> None:
    ref = SecretRef(f"p{number % 64}")
    await vault.resolve(ref, mad="marco", principal="ana", tenant="default", host="a.org:443")


if __name__ == "__main__":
    report("secrets, beside one commit a row", run())
