"""The critical events of every system: what becomes of its MADs, and what was attempted against its rules.

The host publishes them; any MAD may hear them: `@on(StateChanged)`. `ResourceUpdated` is for MADs to emit.
"""

from typing import Any, Literal

from mads.author.message import message

OWNER = "steward"
"""Who owns them: the control plane, which every system has, and in whose name the host speaks."""

State = Literal["starting", "running", "restarting", "ended", "quarantined", "stopped"]

Attempt = Literal["event_refused", "call_denied", "identity_forged", "service_usurped"]
"""What somebody tried: a critical event that is not theirs or does not fit, a call that they may not make, a call in
another's name, to serve what is another's."""


@message(name="mads.StateChanged", critical=True, owner=OWNER)
class StateChanged:
    """A MAD has gone from one state to another; `why` says what brought it there, where that is no matter of course."""

    mad: str
    was: State
    now: State
    why: str = ""


@message(name="mads.SecurityEvent", critical=True, owner=OWNER)
class SecurityEvent:
    """Somebody tried what they may not.

    `mad` is who tried it, "" where that was no MAD; `principal` stands at the start of its chain of calls. `subject` is
    what was called or published, `request` the id of the call, `letter` the number of the dead letter that is kept.
    """

    kind: Attempt
    mad: str
    principal: str
    subject: str
    why: str
    request: str = ""
    letter: int | None = None


@message(name="mads.OffersChanged", critical=True, owner=OWNER)
class OffersChanged:
    """What a MAD offers is not what it was: it was reloaded, or what stands behind it has changed.

    `mad` is "" where all offer what they did, and who may call it has changed.
    """

    mad: str


@message(name="mads.BreakerChanged", critical=True, owner=OWNER)
class BreakerChanged:
    """The breaker of `what`, a MAD or a tool of one, has gone from one state to another: closed, open or half-open.

    `why` says what opened it, in numbers.
    """

    what: str
    was: str
    now: str
    why: str = ""


@message(name="mads.CanaryChanged", critical=True, owner=OWNER)
class CanaryChanged:
    """The second version `use` of `mad` is now running, stopped, promoted or rolled back.

    `why` says it in numbers where nobody decided it, or else who did, and for what reason.
    """

    mad: str
    use: str
    was: str
    now: str
    why: str


@message(name="mads.ResourceUpdated")
class ResourceUpdated:
    """What stands at an address is not what it was; a MAD emits it, and MCP clients that subscribed are told."""

    uri: str


SIGNALS: tuple[type[Any], ...] = (StateChanged, SecurityEvent, OffersChanged, BreakerChanged, CanaryChanged)
"""Those that the host publishes."""
