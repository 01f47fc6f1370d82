"""The one MCP door: every tool of every MAD, for any MCP client. Import it late: `mcp` takes most of a second."""
