"""What an author writes: declarations, the needs a MAD may have, and the schema that follows from them."""
