"""`mads` as a person types it, and a system started that way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sysconfig
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MADS = Path(sysconfig.get_path("scripts")) / "mads"
PATIENCE = 30
"""The seconds that a command may take on a busy machine."""

Ran = subprocess.CompletedProcess[str]

PROJECT = f"""
path = ["{HERE}"]

[gateway]
port = 0

[mads]
parrot = "parlour:Parrot"
witness = {{ use = "parlour:Witness", run = "process" }}
"""


class Mads:
    """`mads`, typed in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str, stdin: str = "", stderr: int = subprocess.PIPE, **environment: str) -> Ran:
        """Run `mads` with some words to its end."""
        return subprocess.run(
            [MADS, *words],
            cwd=self.folder,
            input=stdin,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Start `mads` with some words, in a process group of its own."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [MADS, *words],
            cwd=self.folder,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
            start_new_session=True,
        )


@contextmanager
def up(folder: Path, *words: str) -> Generator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run the system in `folder` for as long as the block lasts; yield its process and what it said when ready."""
    process = Mads(folder).begin("up", "--json", *words)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        ready = json.loads(said)
        assert "address" in ready, said
        yield process, ready
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)


def project_in(folder: Path) -> Path:
    """Write the project into `folder`."""
    (folder / "mads.toml").write_text(PROJECT, encoding="utf-8")
    return folder
