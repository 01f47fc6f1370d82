"""Keep commands until they are done: a port, SQLite, and a twin in memory."""
