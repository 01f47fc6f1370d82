"""Marco: the way to the web."""

from mads.duos.marco.marco import Marco

__all__ = ["Marco"]
