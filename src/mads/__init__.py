"""mads: a runtime for systems of LLM agents. This is the author's API, and nothing more."""

from mads.author.declare import every, mad, on, prose, provides, tool
from mads.author.message import message
from mads.author.needs import Clock, Emit, Kept, Log, Random, Receipt, Send, Step, Talk, Think, Turn, Workers
from mads.author.sensitive import Sensitive
from mads.author.signals import SecurityEvent, StateChanged
from mads.wire.conversation import Exchange, Said
from mads.wire.errors import (
    CallError,
    DeadlineExceeded,
    Denied,
    Failed,
    InvalidMessage,
    Lost,
    MadsError,
    NoModel,
    NoResponder,
    Overloaded,
    Reject,
)

__all__ = [
    "CallError",
    "Clock",
    "DeadlineExceeded",
    "Denied",
    "Emit",
    "Exchange",
    "Failed",
    "InvalidMessage",
    "Kept",
    "Log",
    "Lost",
    "MadsError",
    "NoModel",
    "NoResponder",
    "Overloaded",
    "Random",
    "Receipt",
    "Reject",
    "Said",
    "SecurityEvent",
    "Send",
    "Sensitive",
    "StateChanged",
    "Step",
    "Talk",
    "Think",
    "Turn",
    "Workers",
    "every",
    "mad",
    "message",
    "on",
    "prose",
    "provides",
    "tool",
]
