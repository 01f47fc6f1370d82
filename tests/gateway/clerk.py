"""Serves the desk over standard input and output, as a host would start it."""

from __future__ import annotations

import asyncio

from mads.gateway.stdio import bridge
from tests.gateway.desk import Desk

if __name__ == "__main__":
    asyncio.run(bridge(Desk(), lambda _, __: True))
