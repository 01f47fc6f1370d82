"""Signing in at servers that ask for a token: whose authorization server is found, and what it gave is kept."""
