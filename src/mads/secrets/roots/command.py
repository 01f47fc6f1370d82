"""A root in another process: a command that wraps and unwraps, so that the key itself never comes in here."""

from __future__ import annotations

import asyncio
import base64
import binascii
import shlex

from mads.wire.errors import ConfigError

PATIENCE = 30.0
"""Seconds that the command may take: a person may have to touch something."""

_SHOWN = 200


class CommandRoot:
    """Runs `command` with one word more, wrap or unwrap: it is told base64, a line, and answers so."""

    def __init__(self, command: str) -> None:
        self._command = command

    async def wrap(self, key: bytes) -> bytes:
        """Return `key`, wrapped."""
        return await self._run("wrap", key)

    async def unwrap(self, wrapped: bytes) -> bytes:
        """Return the key that was wrapped."""
        return await self._run("unwrap", wrapped)

    async def _run(self, verb: str, said: bytes) -> bytes:
        words, pipe = [*shlex.split(self._command), verb], asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe, stderr=pipe)
        except OSError as error:
            raise self._wrong(f"does not start: {error.strerror}") from error
        try:
            async with asyncio.timeout(PATIENCE):
                told, why = await process.communicate(base64.b64encode(said) + b"\n")
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

    def _wrong(self, what: str) -> ConfigError:
        return ConfigError(f"[secrets] root: the command {self._command!r} {what}; try it by hand")
