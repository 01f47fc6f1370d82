"""What the suite is turned on, started and ended: a system of mads, and the server that stands behind its gateway."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from conformance.suite import HERE

SYSTEM = HERE / "system"


@contextmanager
def system(log: Path) -> Generator[str]:
    """Run the system of the fixture; yield the address of the server with plain names."""
    log.parent.mkdir(parents=True, exist_ok=True)
    mads = Path(sys.executable).with_name("mads")
    with log.open("w") as said:
        command = [str(mads), "up", "--port", "0", "--json"]
        core = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, cwd=SYSTEM, text=True)
    try:
        assert core.stdout is not None
        ready = core.stdout.readline()
        if not ready:
            raise RuntimeError(f"the system of the fixture did not start: {log.read_text()}")
        yield json.loads(ready)["servers"][0]
    finally:
        core.terminate()
        core.wait(timeout=10)
