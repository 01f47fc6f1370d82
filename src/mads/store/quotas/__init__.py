"""Keep how much of its quota everybody has used: a port, SQLite, and a twin in memory."""
