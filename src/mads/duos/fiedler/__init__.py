"""Fiedler: the one way to every model, within limits and a policy, and with a bill."""

from mads.duos.fiedler.drift import ModelChanged
from mads.duos.fiedler.mad import Escalated, Fiedler, Streamed

__all__ = ["Escalated", "Fiedler", "ModelChanged", "Streamed"]
