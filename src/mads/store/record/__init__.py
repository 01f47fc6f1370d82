"""Keep the record of what happened: a port, SQLite, and a twin in memory."""
