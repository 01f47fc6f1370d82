"""What outlives a restart: the database, and each desk that keeps rows in it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mads.guard.budget.accounts import Accounts
from mads.guard.canary.layer import Canaries
from mads.guard.rights.policy import Policy
from mads.guard.switch import Board
from mads.host.attest import store_in
from mads.host.audit import Trail
from mads.host.catalogue import Catalogue
from mads.host.config import Config
from mads.host.keyfile import own_key
from mads.host.keys import KeyDesk
from mads.host.offers import Approvals
from mads.host.paths import data_folder
from mads.host.rights import RightsDesk
from mads.host.secrets.opening import Secrets, opened
from mads.host.signins import SIGNINS_KEY, SignIns
from mads.host.spending import Spending
from mads.host.switches import Switches
from mads.host.trials import Trials
from mads.store.database import Database
from mads.store.kept import SqliteRows
from mads.store.keys.sqlite import SqliteKeys
from mads.store.ledger.sqlite import SqliteBookings
from mads.store.record.sqlite import SqliteRecord
from mads.store.rights.sqlite import SqliteRights


@dataclass(frozen=True, slots=True, kw_only=True)
class Desks:
    """The database and who keeps what in it."""

    database: Database
    rows: SqliteRows
    record: SqliteRecord
    bookings: SqliteBookings
    accounts: Accounts
    spending: Spending
    switches: Switches
    trials: Trials
    keys: KeyDesk
    rights: RightsDesk
    secrets: Secrets
    approvals: Approvals
    sign_ins: SignIns

    @classmethod
    async def open(
        cls,
        config: Config,
        catalogue: Catalogue,
        policy: Policy,
        *,
        audit: Trail,
        board: Board,
        canaries: Canaries,
        changed: Callable[[], None],
        stack: AsyncExitStack,
    ) -> Self:
        """Open them and `audit`, which is told of each change; `stack` closes them. `changed` hears of other rights.

        `board` has what is off, `canaries` what has two versions.
        """
        folder = data_folder(Path(config.root))
        database = await Database.open(store_in(folder))
        stack.push_async_callback(database.close)
        rows, bookings = SqliteRows(database), SqliteBookings(database)
        accounts = Accounts(config.caps(), bookings)
        stack.push_async_callback(accounts.close)
        accounts.booked = canaries.booked
        stack.push_async_callback(canaries.close)
        trials = Trials(canaries.splits, rows, audit)
        await audit.open(folder, database)
        stack.push_async_callback(audit.close)
        await trials.open()
        sign_ins = SignIns(rows, own_key(folder / SIGNINS_KEY), config.mads)
        stack.push_async_callback(sign_ins.close)
        rights = SqliteRights(database)
        return cls(
            database=database,
            rows=rows,
            record=SqliteRecord(database),
            bookings=bookings,
            accounts=accounts,
            spending=Spending(accounts, bookings),
            switches=await Switches.open(rows, accounts, audit, board=board, tools=catalogue.tools),
            trials=trials,
            keys=await KeyDesk.open(SqliteKeys(database), audit, catalogue.tools),
            rights=await RightsDesk.open(rights, policy, audit, catalogue.tools, changed=changed),
            secrets=await opened(config.secrets, Path(config.root), database, audit, config.mads),
            approvals=Approvals(rows),
            sign_ins=sign_ins,
        )
