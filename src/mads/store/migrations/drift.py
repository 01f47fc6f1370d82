"""A schema that is not the one which its steps make has been changed by hand: no step can be trusted on it."""

from collections.abc import Sequence
from contextlib import closing

from mads.store.migrations import Migration, taken, up
from mads.store.migrations.fingerprint import changed, definitions
from mads.store.sqlite import PUT_BACK, Connection, scratch
from mads.wire.errors import StoreError


def refuse_drift(connection: Connection, known: Sequence[Migration]) -> None:
    """Raise `StoreError` where a table or index is missing, another one, or besides what the steps taken have made."""
    done = taken(connection, known)
    with closing(scratch()) as made:
        up(made, done)
        drifted = changed(definitions(made), definitions(connection))
    if done and drifted:
        raise StoreError(
            f"{connection.filename}: {', '.join(drifted)}: not as the steps of the database make it, so somebody has "
            f"changed it by hand; undo that, or {PUT_BACK}"
        )
