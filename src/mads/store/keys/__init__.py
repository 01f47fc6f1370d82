"""Keep API keys: a port, SQLite, and a twin in memory."""
