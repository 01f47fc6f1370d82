"""Ask git about a folder: nothing that the repository would have it run is run, nothing is fetched or written."""

import os
import subprocess
from pathlib import Path

SECONDS = 30
"""How long git may take."""

_QUIET = (
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"),
    *("-c", "log.showSignature=false", "-c", "diff.external=", "--no-pager", "--literal-pathspecs"),
)
_SET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def git(root: Path, *arguments: str) -> bytes | None:
    """Return what git says of `root`; None where there is no git, it refuses, or it takes too long."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603  git is looked up on PATH on purpose
            ["git", *_QUIET, *arguments],  # noqa: S607  as above
            cwd=root,
            env=environment | _SET,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
