"""Secrets are planted, used, and searched for wherever one might have been left."""
