"""mads: a runtime for systems of LLM agents. This is the author's API, and nothing more."""

from mads.author.declare import completes, every, mad, on, prompt, prose, provides, resource, tool
from mads.author.ledger import Ledger
from mads.author.message import message
from mads.author.needs import Clock, Emit, Flags, Kept, Log, Random, Receipt, Send, Step, Talk, Think, Turn, Workers
from mads.author.outside import Egress, Secrets
from mads.author.sensitive import Sensitive
from mads.author.signals import (
    BreakerChanged,
    CanaryChanged,
    OffersChanged,
    ResourceUpdated,
    SecurityEvent,
    StateChanged,
)
from mads.wire.asking import Cancelled, Declined, Root, Sampled
from mads.wire.content import Audio, Content, Embedded, Image, Link, PromptMessage, Text
from mads.wire.conversation import Exchange, Said
from mads.wire.errors import (
    Broken,
    CallError,
    CannotAsk,
    DeadlineExceeded,
    Denied,
    Failed,
    InvalidMessage,
    Limited,
    Lost,
    MadsError,
    NoModel,
    NoResponder,
    Outdated,
    Overloaded,
    Reject,
    Stopped,
)
from mads.wire.ledger import Amount, Reported
from mads.wire.secret import SecretRef
from mads.wire.web import Answer

__all__ = [
    "Amount",
    "Answer",
    "Audio",
    "BreakerChanged",
    "Broken",
    "CallError",
    "CanaryChanged",
    "Cancelled",
    "CannotAsk",
    "Clock",
    "Content",
    "DeadlineExceeded",
    "Declined",
    "Denied",
    "Egress",
    "Embedded",
    "Emit",
    "Exchange",
    "Failed",
    "Flags",
    "Image",
    "InvalidMessage",
    "Kept",
    "Ledger",
    "Limited",
    "Link",
    "Log",
    "Lost",
    "MadsError",
    "NoModel",
    "NoResponder",
    "OffersChanged",
    "Outdated",
    "Overloaded",
    "PromptMessage",
    "Random",
    "Receipt",
    "Reject",
    "Reported",
    "ResourceUpdated",
    "Root",
    "Said",
    "Sampled",
    "SecretRef",
    "Secrets",
    "SecurityEvent",
    "Send",
    "Sensitive",
    "StateChanged",
    "Step",
    "Stopped",
    "Talk",
    "Text",
    "Think",
    "Turn",
    "Workers",
    "completes",
    "every",
    "mad",
    "message",
    "on",
    "prompt",
    "prose",
    "provides",
    "resource",
    "tool",
]
