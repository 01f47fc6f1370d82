"""A child process that takes a lossy step where there is no room for the copy that comes first; prints what is said."""

import resource
import sys
from pathlib import Path

from mads.store.migrations.upgrade import upgrade
from mads.wire.errors import StoreError
from tests.store.test_rehearsal import FORGET, NOTES

if __name__ == "__main__":
    path = Path(sys.argv[1])
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size // 2, most))
    try:
        upgrade(path, [NOTES, FORGET])
    except StoreError as refused:
        sys.stdout.write(str(refused))
