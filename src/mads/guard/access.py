"""Nothing is called that is not allowed: the layer asks the policy, and a refusal says what would allow it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from msgspec import Raw

from mads.guard.labels import Labels, named, untrusted
from mads.guard.principals import ANONYMOUS
from mads.guard.rights.policy import LAYER, NOTHING, SCOPES, TAINTED, UNDECLARED, Policy
from mads.guard.rights.rule import DESTRUCTIVE, Target, target_of
from mads.wire import codec
from mads.wire.call import Call, Handle, Layer, Reply
from mads.wire.errors import Denied
from mads.wire.failure import failure_of
from mads.wire.record import Decision
from mads.wire.served import LayerFor, Served

WITHHELD = "withheld: "
"""Why nobody calls what an MCP server offers, and whoever runs the system has not looked at, begins with this."""

HEARD = Decision("access", allowed=True, rule="an event is for everybody who hears it")
OWN = Decision("access", allowed=True, rule="a timer of its own")
ANOTHERS = Decision("access", allowed=False, rule="a timer is its MAD's alone")


class Audit(Protocol):
    """Where decisions are written down."""

    def decided(self, call: Call, decision: Decision) -> Coroutine[Any, Any, None]:
        """Return once what was decided of `call` is on disk.

        Raises `StoreError` where what is allowed cannot be written; what is refused is refused all the same.
        """
        ...


def access(policy: Policy, audit: Audit, labels: Labels) -> LayerFor:
    """Return the layer that refuses what `policy` does not allow; events, and each MAD's own timers, it lets pass.

    A refusal is in the `audit` before it is answered, and what destroys before it is begun. What was answered by
    something untrusted, or to it, is in the `labels` before the caller has it.
    """
    guard = _Guard(policy, audit, labels)

    def layer(served: Served) -> Layer:
        match served.kind:
            case "event":
                return lambda handle: handle
            case "timer":
                return lambda handle: guard.timer(served, handle)
            case _:
                return lambda handle: guard.tool(served, handle)

    return layer


def standing(served: Served) -> tuple[Decision, ...]:
    """Return what is decided of every call of `served` alike, for which nothing stands in its way."""
    return {"event": (HEARD,), "timer": (OWN,)}.get(served.kind, ())


class _Guard:
    def __init__(self, policy: Policy, audit: Audit, labels: Labels) -> None:
        self._policy, self._audit, self._labels = policy, audit, labels

    def tool(self, served: Served, handle: Handle) -> Handle:
        policy, audit, target = self._policy, self._audit, target_of(served)
        known, destructive = policy.known(target), served.destructive
        withheld = Decision(LAYER, allowed=False, rule=WITHHELD + served.withheld) if served.withheld else None
        labels, picked, brought = self._labels, self._labels.picked, self._labels.brought(served)

        async def guarded(call: Call) -> Reply:
            decision = known.get(call.identity)
            if decision is None or type(decision) is not Decision:
                decision = policy.decides(call.identity, target, lambda: _facts(policy, served, target, call))
            if withheld and decision.allowed:
                decision = withheld
            if not decision.allowed:
                return self._refused(call, denied(call, target, decision, served.mad), decision)
            if destructive:
                await audit.decided(call, decision)
            reply = await handle(call)
            others = reply.decisions
            ended = Reply(reply.body, reply.failure, reply.cost, (decision, *others) if others else (decision,))
            if brought or call.identity.labels or (picked and call.id in picked):
                return labels.answered(call, ended, brought)
            return ended

        return self._streamed(guarded, brought) if served.streams else guarded

    def _streamed(self, handle: Handle, brought: tuple[str, ...]) -> Handle:
        """Label whoever reads a stream before it has the first item, and from then on with whatever its giver is."""
        labels = self._labels

        async def streamed(call: Call) -> Reply:
            labels.streams(call)
            labels.pick(call.cause, brought)
            try:
                return await handle(call)
            finally:
                labels.ended(call)

        return streamed

    def timer(self, served: Served, handle: Handle) -> Handle:
        async def own(call: Call) -> Reply:
            if call.identity.chain == (served.mad,):
                return await handle(call)
            error = Denied(f"{ANOTHERS.rule}; it rings by itself", where=served.mad, request=call.id)
            return self._refused(call, error, ANOTHERS)

        return own

    def _refused(self, call: Call, error: Denied, decision: Decision) -> Reply:
        """Return a refusal that is answered once it is on disk; whom it kept the call from does not wait for that."""
        written = asyncio.ensure_future(self._audit.decided(call, decision))
        return Reply(failure=failure_of(error, request=call.id), decisions=(decision,), settled=written)


def _facts(policy: Policy, served: Served, target: Target, call: Call) -> dict[str, Any]:
    return {
        **policy.facts(call.identity, target),
        "arguments": _arguments(served, call.body),
        "conversation": call.conversation or "",
        "labels": named(call.identity.labels),
    }


def _arguments(served: Served, body: Any) -> Any:
    """Return the arguments as the handler will see them, in types of JSON; raise `InvalidMessage` if they do not fit.

    Not as they came: what reads the same bytes twice must not read them differently.
    """
    said = codec.decode(body, Any) if type(body) is Raw else codec.plain(body)
    return codec.plain(said if served.asked is None else codec.fit(said, served.asked))


def denied(call: Call, target: Target, decision: Decision, mad: str) -> Denied:
    """Return what whoever made `call` is told, and what would allow it."""
    identity, name = call.identity, target.name
    match decision.rule:
        case rule if rule.startswith(WITHHELD):
            told = f"{name} is {rule}; look at it, then write: mads approve {name.removeprefix('mads.')}"
        case rule if rule == SCOPES:
            told = f"the credential of {identity.principal!r} is not for {name}; it needs that as a scope"
        case rule if rule == UNDECLARED:
            last = identity.chain[-1]
            told = (
                f"{last} calls {name} without declaring it; name {mad!r} in a field of its class, "
                f'or write in mads.toml: {last} = {{ …, calls = ["{name}"] }}'
            )
        case rule if rule == TAINTED:
            _, name_of_mad, tool = name.split(".", 2)
            told = (
                f"{name} destroys or reveals something, and the call carries the label 'untrusted', brought in by "
                f"{', '.join(untrusted(identity.labels))}; whoever runs the system may accept that, in mads.toml: "
                f'{name_of_mad} = {{ …, accepts = ["{tool}"] }}, or with: mads grant mad:{identity.chain[-1]} '
                f"{name}{DESTRUCTIVE} --when '\"untrusted\" in labels'"
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
