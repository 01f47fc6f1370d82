"""Keep what was reserved and what was spent: a port, SQLite, and a twin in memory."""
