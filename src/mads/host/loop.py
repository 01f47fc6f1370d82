"""The event loop of every process of mads: uvloop where there is one."""

from __future__ import annotations

import asyncio
import sys

if sys.platform == "win32":
    new_loop = asyncio.new_event_loop
else:
    from uvloop import new_event_loop as new_loop

__all__ = ["new_loop"]
