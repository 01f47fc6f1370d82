"""MCP in both its eras: the only room that knows the `mcp` SDK, which it keeps to translating and to moving bytes.

Until 2025-11-25 a client opens a session; since 2026-07-28 each request stands alone. The SDK tells them apart.
"""

from mads.gateway.protocol.endpoint import Endpoint
from mads.gateway.protocol.handlers import server_of
from mads.gateway.protocol.plain import Plain
from mads.gateway.protocol.sessions import Sessions
from mads.gateway.protocol.stdio import over_stdio

__all__ = ["Endpoint", "Plain", "Sessions", "over_stdio", "server_of"]
