"""The audit as it lies on disk: its rows, the key that binds them, and a note of the last one.

Key and note lie beside the database: who removes rows at the end has to change the note as well.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path

from mads.guard.principals import OPERATOR
from mads.host.keyfile import own_key
from mads.store.audit.port import Event, Head
from mads.store.audit.sqlite import SqliteAudit
from mads.store.database import Database
from mads.wire.errors import StoreError, UsageError
from mads.wire.status import Verified

STORE = "store.sqlite"
"""The file of the database."""

KEY, HEAD = "audit.key", "audit.head"
"""The files of the key and of the note."""

LATEST = 100_000
"""How many rows are looked at before a system starts: half a second of them."""


class Attested:
    """The audit in `database`, whose other files lie in `folder`."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.store = SqliteAudit(database, own_key(folder / KEY))
        self._note = folder / HEAD

    async def verified(self) -> Verified:
        """Return how many rows there are, and what is wrong with them."""
        return await self._verified(None)

    async def refuse_doubts(self) -> None:
        """Raise `StoreError` where the last rows are not as they were written and nobody has accepted that."""
        wrong = list((await self._verified(LATEST)).wrong)
        if wrong:
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            raise StoreError(
                f"the audit is not as it was written: {wrong[0]}{more}; mads audit verify and mads audit list show it; "
                "to start all the same, with what is wrong on record for ever, write: mads audit accept"
            )
        self.remember(await self.store.head())
        await asyncio.to_thread(self._sync)  # a power cut may take what was not: a note that is missing is a doubt

    async def accept(self) -> Sequence[str]:
        """Have a row say that the operator knows what is wrong; return that, or raise `UsageError` where nothing is."""
        wrong = (await self._verified(LATEST)).wrong
        if not wrong:
            raise UsageError("nothing is wrong with the audit that was not accepted before")
        about = Event(
            at=int(time.time() * 1_000_000),
            kind="audit",
            principal=OPERATOR,
            tenant="",
            subject="audit",
            allowed=True,
            rule=f"accepted as it is: {'; '.join(wrong)}",
        )
        self.remember(await self.store.add([about]))
        return wrong

    def remember(self, head: Head) -> None:
        """Note the last row beside the database."""
        file = os.open(self._note, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(file, f"{head.seq:020} {head.hash.hex() or '-':64}\n".encode(), 0)
        finally:
            os.close(file)

    def _sync(self) -> None:
        for path in (self._note, self._note.parent):
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(file)
            finally:
                os.close(file)

    async def _verified(self, latest: int | None) -> Verified:
        noted, head = await asyncio.to_thread(self._noted), await self.store.head()
        wrong = list(await self.store.verify(noted or head, latest=latest))
        if noted is None and head.seq:
            wrong.append(f"{self._note}, which notes the last row, is missing or cannot be read")
        return Verified(rows=head.seq, head=head.hash.hex(), wrong=tuple(wrong))

    def _noted(self) -> Head | None:
        """Return the last row as it is noted; None where it is not, or not readably."""
        try:
            seq, hash_ = self._note.read_text(encoding="ascii").split()
            return Head(int(seq), b"" if hash_ == "-" else bytes.fromhex(hash_))
        except (OSError, ValueError):
            return None


def store_in(folder: Path) -> Path:
    """Return the path of the database in `folder`; raise `StoreError` where it is gone: no new one takes its place."""
    store = folder / STORE
    if (folder / KEY).exists() and not (store.exists() and store.stat().st_size):
        raise StoreError(
            f"{store} is {'empty' if store.exists() else 'missing'}, and by {KEY} beside it there was one: what it had "
            f"is not begun anew. Put a copy of it back; or, to go on without, move {folder} away"
        )
    return store
