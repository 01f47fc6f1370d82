"""What fails, or takes too long, is left alone for a while, so that nobody waits for nothing."""
