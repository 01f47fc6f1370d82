"""Serves the desk over standard input and output, as a host would start it."""

from __future__ import annotations

import asyncio

from desk import Desk

from mads.gateway.stdio import bridge

if __name__ == "__main__":
    asyncio.run(bridge(Desk()))
