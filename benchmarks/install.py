"""What a newcomer pays before the first call: packages, megabytes, seconds of import.

`install_mb` counts the files that the locked packages bring, without mads itself and without bytecode, which Python
writes when it first runs them.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROUNDS = 5


def run() -> dict[str, float]:
    """Return packages, install_mb, import_s and help_s; the baseline is a Python that does nothing."""
    names = re.findall(r"^([A-Za-z0-9_.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    sizes = [size for name in names if (size := _size(name)) is not None]
    bare = _seconds(sys.executable, "-c", "pass")
    return {
        "packages": len(sizes),
        "install_mb": round(sum(sizes) / 1e6, 1),
        "python_s": round(bare, 3),
        "import_s": round(_seconds(sys.executable, "-c", "import mads"), 3),
        "help_s": round(_seconds(str(Path(sys.executable).with_name("mads")), "--help"), 3),
    }


def _size(name: str) -> int | None:
    """Return the bytes of an installed package; None where this platform does not need it."""
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return None
    paths = [Path(str(file.locate())) for file in files if file.suffix != ".pyc"]
    return sum(path.stat().st_size for path in paths if path.is_file())


def _seconds(*command: str) -> float:
    """Return the median seconds that `command` takes."""
    times: list[float] = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    from benchmarks.report import report

    report("install", run())
