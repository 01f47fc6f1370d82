"""What the system says of itself: where each MAD runs and how it fares."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Stoppable = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}(\.\w{1,200})?$")]
"""What can be stopped: all spending ("spend"), a MAD ("scribe"), a tool of one ("scribe.write")."""


class Stop(Struct, frozen=True, kw_only=True):
    """What is stopped, since when (ISO 8601, UTC), by whom, and why."""

    what: Stoppable
    why: str
    by: str
    at: str


class BreakerInfo(Struct, frozen=True, kw_only=True):
    """A breaker: of a MAD, or of a tool of one; in `again_s` seconds one that is open tries again.

    Of `calls` that ended within its window so many `failed` and so many were `slow`; `why` says why it is not closed.
    """

    what: str
    state: Literal["closed", "open", "half-open"]
    why: str
    again_s: float
    calls: int
    failed: int
    slow: int


class ToolStatus(Struct, frozen=True):
    """The work of one tool, handler or timer since its process started; times in milliseconds."""

    name: str
    calls: int
    failed: int
    running: int
    mean_ms: float
    max_ms: float


class Vitals(Struct, frozen=True):
    """What a process says of the MAD in it: how often it held up the loop, where and how many seconds ago it last did.

    `growing` names what there is ever more of, "" where there is no such thing.
    """

    blocked: int = 0
    at: str = ""
    ago: float = 0.0
    growing: str = ""


class Status(Struct, frozen=True):
    """How one MAD fares: `state` is starting, running, restarting, ended, quarantined or stopped.

    `health` is green, yellow or red, and unless it is green `why` says why. `waiting` calls are in its inbox, the
    oldest for `oldest_s`, and `waits` says for what. `refused` are calls that were one too many, by the reason: the
    inbox was full, they would have been late, they were shed because all waited for too long. `dropped` events found it
    full, `commands` are on their way to it, of which `parked` give way to others, and `dead` were given up, `blocked`
    counts the times it held up its loop.
    `rss_mb` is what its process has in memory, `stops` what of it the operator has stopped,
    `breakers` are those round it.
    """

    mad: str
    run: str
    state: str
    pid: int
    restarts: int = 0
    waiting: int = 0
    dropped: int = 0
    blocked: int = 0
    uptime_s: float = 0.0
    why: str = ""
    tools: tuple[ToolStatus, ...] = ()
    health: str = "green"
    growing: str = ""
    rss_mb: float = 0.0
    commands: int = 0
    dead: int = 0
    stops: tuple[Stop, ...] = ()
    breakers: tuple[BreakerInfo, ...] = ()
    oldest_s: float = 0.0
    waits: str = ""
    refused: dict[str, int] = {}
    parked: int = 0


class Shown(Struct, frozen=True):
    """Who a MAD is, what fills its needs, what it hears and what it offers.

    `stops` is what of that is off, `breakers` are those round it.
    """

    mad: str
    use: str
    role: str
    run: str
    needs: dict[str, str]
    hears: tuple[str, ...]
    offers: tuple[str, ...]
    stops: tuple[Stop, ...] = ()
    breakers: tuple[BreakerInfo, ...] = ()


class EventInfo(Struct, frozen=True):
    """An event's versioned wire name, its JSON Schema, who owns it and the MADs that hear it.

    A `critical` one is its owner's alone to emit. `deprecated` is its last day and what to use instead.
    """

    name: str
    description: str
    schema: dict[str, Any]
    heard_by: tuple[str, ...]
    version: int = 1
    owner: str = ""
    critical: bool = False
    deprecated: str = ""


class Reloaded(Struct, frozen=True):
    """What is to be reloaded after a MAD, since it is known there as it was.

    The MADs that call it and know only what it offered before, and by wire name the events that have another shape,
    with the MADs that hear them; who emits one knows it as it was, too.
    """

    callers: tuple[str, ...]
    events: dict[str, tuple[str, ...]]


class Which(Struct, frozen=True, forbid_unknown_fields=True):
    """Which commands: to this tool (`desk.read`) or MAD (`desk`), from this sender, with these words in `why`.

    Only those that died more than `older_than` seconds ago. What is left out does not matter.
    """

    tool: str = ""
    sender: str = ""
    why: str = ""
    older_than: float = 0.0


class DeadLetter(Struct, frozen=True, kw_only=True):
    """A command that was given up: what was sent by whom, when, how often it was tried and why it failed.

    `sent` and `died` are in ISO 8601, UTC. `principal`, `conversation`, `trace`, `body` and
    `steps` (those it finished, which are not taken again) are told of one letter only.
    """

    id: int
    tool: str
    sender: str
    tenant: str
    key: str | None
    sent: str
    died: str
    attempts: int
    why: str
    principal: str = ""
    conversation: str | None = None
    trace: str = ""
    steps: tuple[str, ...] = ()
    body: Any = None


class DeadLetters(Struct, frozen=True):
    """The oldest of those that were asked for, and how many more there are."""

    letters: tuple[DeadLetter, ...]
    more: int


class KeyInfo(Struct, frozen=True, kw_only=True):
    """An API key: whom it stands for, what it may be used to ask for, and whether it is `good`, `expired` or `revoked`.

    `made` and `expires` are in ISO 8601, UTC; the key that it `replaces` is 0 where it was made anew.
    """

    id: int
    principal: str
    tenant: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    made: str
    expires: str | None
    state: Literal["good", "expired", "revoked"]
    replaces: int


class LimitUse(Struct, frozen=True, kw_only=True):
    """What is used of a limit by those who share a counter: `subject` of `tenant`, empty where others share it.

    `left` calls would be admitted at once, `running` are being handled; `used` is how much of the quota is gone until
    the window `ends` (ISO 8601, UTC). None is no such limit, or nothing used.
    """

    tenant: str
    subject: str
    left: int | None = None
    running: int | None = None
    used: int | None = None
    ends: str | None = None


class LimitInfo(Struct, frozen=True, kw_only=True):
    """A limit in words, what it says (None where it says nothing), and what is used of it just now."""

    rule: str
    rate: str | None
    at_once: int | None
    size: int | None
    reply: int | None
    quota: str | None
    uses: tuple[LimitUse, ...]


class GrantInfo(Struct, frozen=True, kw_only=True):
    """A grant: `whom` (a principal, `role:NAME`, `mad:NAME`), of which `tenant` (`*` is all), holds `what`.

    That is a role or a pattern of tools, which is denied where not `allow`. `when` is a condition. What is built in has
    the `id` 0.
    """

    id: int
    whom: str
    tenant: str
    what: str
    allow: bool
    when: str


class Rights(Struct, frozen=True, kw_only=True):
    """The roles there are and what is granted, as of a revision."""

    revision: int
    roles: tuple[str, ...]
    grants: tuple[GrantInfo, ...]


class AuditRow(Struct, frozen=True, kw_only=True):
    """One row of the audit: what was decided, when (ISO 8601, UTC), about whom; `seq` has no gaps."""

    seq: int
    at: str
    kind: str
    principal: str
    tenant: str
    chain: str
    subject: str
    allowed: bool
    rule: str
    revision: int
    request: str
    trace: str


class AuditQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rows of the audit: the last so many, of these; what is left out does not matter."""

    limit: int = 100
    tenant: str = ""
    principal: str = ""
    request: str = ""
    trace: str = ""
    denied: bool = False


class Verified(Struct, frozen=True):
    """How many rows the audit has, the hash of the last, and what is `wrong` with it, a line each."""

    rows: int
    head: str
    wrong: tuple[str, ...]


class Case(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a call is expected to be allowed: of `tool`, with `arguments`, by `principal` with the `roles` it brings.

    `chain` are the MADs that it went through, `conversation` and `labels` what it belongs to and carries.
    """

    principal: str
    tool: str
    expect: Literal["allow", "deny"]
    tenant: str = "default"
    roles: tuple[str, ...] = ()
    arguments: dict[str, Any] = {}
    chain: tuple[str, ...] = ()
    conversation: str = ""
    labels: tuple[str, ...] = ()


class CaseResult(Struct, frozen=True, kw_only=True):
    """How a case came out: by which rule, and whether as expected."""

    case: Case
    allowed: bool
    rule: str
    passed: bool
