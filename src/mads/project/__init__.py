"""A project on disk: made new, checked before it runs."""
