"""Dewey, the librarian: finds things in a folder of code and documents."""

from mads.duos.dewey.librarian import Answer, Dewey, Found, IndexProgress

__all__ = ["Answer", "Dewey", "Found", "IndexProgress"]
