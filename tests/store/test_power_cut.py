"""What was acknowledged is on the disk itself, not in a cache that goes when the power does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from mads.store.database import Database
from mads.store.kept import SqliteRows, open_rows
from mads.testing.store_suite import NOTES


class Disk(apsw.VFS):
    """A file system that knows what each file would hold if nothing had reached the disk but what was synced."""

    def __init__(self) -> None:
        self.synced: dict[Path, bytes] = {}
        super().__init__("disk", base="unix", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> "File":  # noqa: N802  SQLite's name
        """Open a file that tells this disk what is synced."""
        return File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: FBT001, N802  SQLite's
        """Delete a file, for good."""
        super().xDelete(filename, syncdir)
        self.synced.pop(Path(filename), None)

    def after_a_cut(self, path: Path, folder: Path) -> Path:
        """Return where in `folder` a copy of the database at `path` is, as it would be found after a power cut."""
        folder.mkdir()
        for file, content in self.synced.items():
            if file.parent == path.parent:
                (folder / file.name).write_bytes(content)
        return folder / path.name


class File(apsw.VFSFile):
    """A file on such a disk."""

    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        self._path = Path(name.filename() if isinstance(name, apsw.URIFilename) else name)
        super().__init__("unix", name, flags)

    def xSync(self, flags: int) -> None:  # noqa: N802  SQLite's name
        """Sync the file."""
        super().xSync(flags)
        self._disk.synced[self._path] = self._path.read_bytes()


@pytest.fixture
def disk() -> Iterator[Disk]:
    """Let the databases that are opened in this process lie on such a disk."""
    disk = Disk()
    yield disk
    disk.unregister()


async def test_what_was_acknowledged_survives_a_power_cut_at_any_time(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "store.sqlite"
    database = await Database.open(path)
    await database.write(lambda connection: connection.pragma("wal_autocheckpoint", 10))
    rows = SqliteRows(database)
    for count in range(1, 31):
        await rows.add(NOTES, b"x" * 3000)
        left = await open_rows(disk.after_a_cut(path, tmp_path / f"after-{count}"))
        assert len(await left.rows(NOTES)) == count
        await left.close()
    await rows.close()
