"""Keep the record of what happened: a port, SQLite, and a twin in memory; and what SQLite alone does with it.

What happens is written, and traces are read, through the port. Conversations, the capture as a whole and upkeep are
SQLite's own: they count on its queries, its triggers and bytes that it overwrites, which no twin could show.
"""
