"""The vault of a system, opened with it: its root, its machine and its store, as `[secrets]` says."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

from mads.host.audit import Trail
from mads.host.commands.envelope import now_ms
from mads.host.secrets.config import SecretsConfig
from mads.host.secrets.desk import SecretsDesk
from mads.host.secrets.keeping import Keeping
from mads.secrets.access import Access, Note
from mads.secrets.device import device, home
from mads.secrets.permits import Permits
from mads.secrets.roots.named import named
from mads.secrets.safe import Safe
from mads.secrets.seal import Seal, Terms
from mads.secrets.vault import StoredVault
from mads.store.audit.port import Event
from mads.store.database import Database
from mads.store.secrets.sqlite import SqliteSecrets
from mads.store.secrets.sqlite_grants import SqliteSecretGrants
from mads.store.secrets.sqlite_keys import SqliteSealKeys
from mads.wire.call import current
from mads.wire.errors import ConfigError, Denied


class Secrets:
    """The vault of one system, and the desks in front of it; `opened` makes one."""

    def __init__(
        self, safe: Safe, seal: Seal, permits: Permits, note: Note, mads: Collection[str], *, folder: Path
    ) -> None:
        self.vault = StoredVault(safe, permits, note)
        self.desk = SecretsDesk(safe, self.vault, note, now_ms)
        self.keeping = Keeping(safe, seal, permits, vault=self.vault, note=note, mads=mads, folder=folder)


async def opened(config: SecretsConfig, root: Path, database: Database, audit: Trail, mads: Collection[str]) -> Secrets:
    """Return the vault of the system in `root`; raise `ConfigError` where it does not open as `config` says."""
    terms = Terms(asks=config.sealed, bound=config.bound)
    seal = Seal(SqliteSealKeys(database), named(config.root, root), lambda: device(home()), terms, now_ms)
    safe, permits = Safe(SqliteSecrets(database), seal, now_ms), Permits(SqliteSecretGrants(database), now_ms)
    try:
        await seal.open()
    except Denied as error:
        raise ConfigError(f"[secrets]: {error}") from error
    await permits.open()
    if not seal.is_sealed and seal.is_used:
        await safe.settle()
    return Secrets(safe, seal, permits, noting(audit), mads, folder=root)


def noting(audit: Trail) -> Note:
    """Return what writes an access into the audit, with the call in which it was."""

    async def note(access: Access) -> None:
        call = current.get()
        identity = call.identity if call else None
        chain = identity.chain if identity else ()
        event = Event(
            at=int(time.time() * 1_000_000),
            kind="secret",
            principal=access.principal or (identity.principal if identity else "host"),
            tenant=access.tenant or (identity.tenant if identity else ""),
            chain=".".join(chain) or access.mad,
            subject=f"secret:{access.path}",
            allowed=access.allowed,
            rule=access.rule,
            request=call.id if call else "",
            trace=call.trace if call else "",
        )
        await audit.note(event)

    return note
