"""Nothing is called that is not allowed: the layer asks the policy, and a refusal says what would allow it."""

from __future__ import annotations

from collections.abc import Awaitable

from mads.guard.principals import ANONYMOUS
from mads.guard.rights.policy import NOTHING, SCOPES, UNDECLARED, Policy
from mads.guard.rights.rule import DESTRUCTIVE, Target, target_of
from mads.wire.call import Call, Handle, Layer, Reply
from mads.wire.errors import Denied
from mads.wire.failure import failure_of
from mads.wire.record import Decision
from mads.wire.served import LayerFor, Served

HEARD = Decision("access", allowed=True, rule="an event is for everybody who hears it")
OWN = Decision("access", allowed=True, rule="a timer of its own")
ANOTHERS = Decision("access", allowed=False, rule="a timer is its MAD's alone")


def access(policy: Policy) -> LayerFor:
    """Return the layer that refuses what `policy` does not allow; events, and each MAD's own timers, it lets pass."""

    def layer(served: Served) -> Layer:
        match served.kind:
            case "event":
                return lambda handle: handle
            case "timer":
                return lambda handle: _timer(served.mad, handle)
            case _:
                return lambda handle: _tool(policy, served, handle)

    return layer


def standing(served: Served) -> tuple[Decision, ...]:
    """Return what is decided of every call of `served` alike, for which nothing stands in its way."""
    return {"event": (HEARD,), "timer": (OWN,)}.get(served.kind, ())


def _tool(policy: Policy, served: Served, handle: Handle) -> Handle:
    target = target_of(served)
    known = policy.known(target)

    async def guarded(call: Call) -> Reply:
        decision = known.get(call.identity) or policy.decides(call.identity, target)
        if not decision.allowed:
            return _refused(call, denied(call, target, decision, served.mad), decision)
        reply = await handle(call)
        return Reply(reply.body, reply.failure, reply.cost, (decision, *reply.decisions))

    return guarded


def _timer(mad: str, handle: Handle) -> Handle:
    async def refused(call: Call) -> Reply:
        return _refused(call, Denied(f"{ANOTHERS.rule}; it rings by itself", where=mad, request=call.id), ANOTHERS)

    def own(call: Call) -> Awaitable[Reply]:
        return handle(call) if call.identity.chain == (mad,) else refused(call)

    return own


def _refused(call: Call, error: Denied, decision: Decision) -> Reply:
    return Reply(failure=failure_of(error, request=call.id), decisions=(decision,))


def denied(call: Call, target: Target, decision: Decision, mad: str) -> Denied:
    """Return what whoever made `call` is told, and what would allow it."""
    identity, name = call.identity, target.name
    match decision.rule:
        case rule if rule == SCOPES:
            told = f"the credential of {identity.principal!r} is not for {name}; it needs that as a scope"
        case rule if rule == UNDECLARED:
            last = identity.chain[-1]
            told = (
                f"{last} calls {name} without declaring it; name {mad!r} in a field of its class, "
                f'or write in mads.toml: {last} = {{ …, calls = ["{name}"] }}'
            )
        case rule if rule == NOTHING and identity.principal == ANONYMOUS:
            what = "is destructive and the caller is anonymous" if target.destructive else "is not for the anonymous"
            told = f"{name} {what}; call it from the command line: mads call {name.removeprefix('mads.')}"
        case rule if rule == NOTHING:
            tenant = "" if identity.tenant == "default" else f" --tenant {identity.tenant}"
            line = f"mads grant {identity.principal} {name}{DESTRUCTIVE if target.destructive else ''}{tenant}"
            told = f"no rule lets {identity.principal!r} call {name}; whoever runs the system may write: {line}"
        case rule:
            told = f"{identity.principal!r} may not call {name}: {rule}"
    return Denied(told, where=mad, request=call.id)
