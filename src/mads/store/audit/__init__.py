"""Keep the audit: rows that are only ever added, each bound to the one before it."""
