"""Feature flags by the schema of flagd: read into a snapshot, which answers without waiting for anything."""
