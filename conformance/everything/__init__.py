"""An MCP server on the SDK alone, with what the official suite looks for: what stands behind the gateway in one leg."""
