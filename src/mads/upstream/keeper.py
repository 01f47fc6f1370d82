"""Runs a command for as long as whoever started this lives, and ends all that the command started when it does not.

    python -I -S keeper.py PARENT COMMAND [ARGUMENT …]

The kernel says when the parent has died, even by `kill -9`. It has no other imports, so that it starts in a moment.
"""

import ctypes
import os
import signal
import sys

_DEATH_SIGNAL, _SUBREAPER = 1, 36
"""The operations of prctl(2) on Linux; elsewhere the end of its standard input has to do."""


def main(command: list[str], parent: int) -> int:
    """Run `command`; return its status."""
    signal.signal(signal.SIGTERM, _end)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
        libc.prctl(_SUBREAPER, 1, 0, 0, 0)
    if os.getppid() != parent:  # it died before the kernel was asked
        return 1
    try:
        child = os.posix_spawnp(command[0], command, os.environ, setsigdef=[signal.SIGTERM, signal.SIGPIPE])
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return 127
    os.close(0)  # else the command would not see its end
    os.close(1)
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def _end(*_: object) -> None:
    """End the whole group, this included."""
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    ended = main(sys.argv[2:], int(sys.argv[1]))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)  # what the command left behind
    sys.exit(ended if ended >= 0 else 128 - ended)
