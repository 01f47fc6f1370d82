"""Know what happened."""
