"""Move calls: one port, and an adapter for each engine."""
