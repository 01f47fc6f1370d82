"""Keep who may what: a port, SQLite, and a twin in memory."""
