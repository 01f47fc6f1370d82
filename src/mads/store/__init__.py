"""Keep things: one port, and an adapter for each engine."""
