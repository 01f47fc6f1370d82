"""Conversations as they go on: what is said in one, who is mentioned, and the need by which a MAD takes part."""
