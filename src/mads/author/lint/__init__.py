"""Mistakes that are certain from a MAD's source, found before anything runs."""

from mads.author.lint.checks import mistakes

__all__ = ["mistakes"]
