"""The lines that connect a client to a gateway at a given address."""

from __future__ import annotations

import json
import shlex


def lines(address: str) -> dict[str, str]:
    """Return the command that connects each client we know, by the client's name."""
    entry = json.dumps({"name": "mads", "type": "http", "url": address})
    return {
        "Claude Code": f"claude mcp add --transport http mads {address}",
        "VS Code": f"code --add-mcp {shlex.quote(entry)}",
        "MCP Inspector": f"npx @modelcontextprotocol/inspector --cli {address} --method tools/list",
    }


def page(address: str) -> str:
    """Return what a person reads who opens the gateway in a browser."""
    told = "\n".join(f"{client}:\n    {line}\n" for client, line in lines(address).items())
    return f"This is the MCP gateway of a mads system. Clients connect to {address}\n\n{told}"
