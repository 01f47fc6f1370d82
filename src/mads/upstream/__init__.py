"""The client's end of MCP: what speaks to a server that somebody else wrote, and trusts nothing that it says."""
