"""A root in another process: a command that wraps and unwraps, so that the key itself never comes in here."""

from __future__ import annotations

import asyncio
import base64
import binascii
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress

from mads.wire.errors import ConfigError

PATIENCE = 30.0
"""Seconds that the command may take: a person may have to touch something."""

MOST = 65_536
"""Bytes that it may say: a key is short, and what says more without end would fill this process."""

_SHOWN = 200


class CommandRoot:
    """Runs `words` with one more, wrap or unwrap: they are told base64, a line, and answer so.

    `name` is what an error calls them, `hint` what it says to do.
    """

    def __init__(self, words: Sequence[str], name: str, hint: str) -> None:
        self._words, self._name, self._hint = words, name, hint

    async def wrap(self, key: bytes) -> bytes:
        """Return `key`, wrapped."""
        return await self._run("wrap", key)

    async def unwrap(self, wrapped: bytes) -> bytes:
        """Return the key that was wrapped."""
        return await self._run("unwrap", wrapped)

    async def _run(self, verb: str, said: bytes) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(*self._words, verb, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        except OSError as error:
            raise self._wrong(f"does not start: {error.strerror}") from error
        try:
            async with asyncio.timeout(PATIENCE):
                told, why = await self._exchanged(process, base64.b64encode(said) + b"\n")
        except TimeoutError:
            raise self._wrong(f"says nothing to {verb!r} within {PATIENCE:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            shown = why.decode(errors="replace").strip()[-_SHOWN:]
            raise self._wrong(f"ended with status {process.returncode} at {verb!r}: {shown}")
        try:
            return base64.b64decode(told.strip(), validate=True)
        except binascii.Error:
            raise self._wrong(f"answered {verb!r} with what is no base64") from None

    async def _exchanged(self, process: Process, line: bytes) -> tuple[bytes, bytes]:
        """Return what a process says to `line`, and what it complains of, when it has ended."""
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        with suppress(OSError, RuntimeError):  # it may have ended without hearing; uvloop says that by the second
            process.stdin.write(line)
            process.stdin.close()
        told, why = await asyncio.gather(self._heard(process.stdout), self._heard(process.stderr))
        await process.wait()
        return told, why

    async def _heard(self, stream: asyncio.StreamReader) -> bytes:
        heard = bytearray()
        while piece := await stream.read(MOST):
            heard += piece
            if len(heard) > MOST:
                raise self._wrong(f"says more than {MOST} bytes")
        return bytes(heard)

    def _wrong(self, what: str) -> ConfigError:
        return ConfigError(f"[secrets] root: {self._name} {what}; {self._hint}")
