"""Keep secrets, sealed: the ports, SQLite, and twins in memory."""
