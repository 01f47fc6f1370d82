"""A provider of models for tests: a process of its own, which bills by its own count and fails as it is told to."""

from mads.testing.provider.process import Provider, Say, Seen, provider

__all__ = ["Provider", "Say", "Seen", "provider"]
