"""Standard output for the command line alone, while code of others runs in this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO


@contextmanager
def kept_apart() -> Generator[TextIO]:
    """Yield standard output; what anybody else writes there, here or in a process started meanwhile, goes to stderr."""
    sys.stdout.flush()
    number = sys.stdout.fileno()
    with os.fdopen(os.dup(number), "w", encoding="utf-8") as ours, redirect_stdout(sys.stderr):
        os.dup2(sys.stderr.fileno(), number)
        try:
            yield ours
        finally:
            os.dup2(ours.fileno(), number)
