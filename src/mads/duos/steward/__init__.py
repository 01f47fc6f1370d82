"""The steward, the control plane: a module for each topic, a MAD of them all."""

from mads.duos.steward.steward import Steward

__all__ = ["Steward"]
