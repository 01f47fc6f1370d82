"""Secrets in a running system: the vault in the core, the way to it for every MAD, and what Turing may ask of it."""
