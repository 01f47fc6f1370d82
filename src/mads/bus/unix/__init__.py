"""The bus over a Unix socket: one process, the hub, has routes and inboxes; callers and handlers are in any."""

from mads.bus.unix.bus import UnixBus, adopt, connect
from mads.bus.unix.hub import Hub
from mads.bus.unix.link import Link

__all__ = ["Hub", "Link", "UnixBus", "adopt", "connect"]
