"""One entry of the record as a span of OpenTelemetry: the same ids, the same tree, wherever its MAD runs."""

from __future__ import annotations

import re
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from mads.observe import semconv
from mads.observe.tail import Seen
from mads.wire.record import Entry

_NANO = 1000
_TRACE, _SPAN = re.compile(r"(?!0{32})[0-9a-f]{32}"), re.compile(r"(?!0{16})[0-9a-f]{16}")
_SCOPE = InstrumentationScope("mads", schema_url=semconv.SCHEMA)


def is_named(entry: Entry) -> bool:
    """Return whether `entry` has the ids that a span must have: a child may have said anything."""
    return bool(_TRACE.fullmatch(entry.trace) and _SPAN.fullmatch(entry.span))


def readable(seen: Seen, resource: Resource) -> ReadableSpan:
    """Return the span that an entry is, if it `is_named`; its bodies stay at home."""
    entry, trace = seen.entry, int(seen.entry.trace, 16)
    began = entry.at_us * _NANO
    failed = entry.outcome not in ("ok", "unheard")
    return ReadableSpan(
        _name(seen),
        SpanContext(trace, int(entry.span, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)),
        _parent(entry, trace),
        resource,
        _attributes(seen),
        _decisions(entry, began),
        kind=_kind(entry),
        status=Status(StatusCode.ERROR, entry.why) if failed else Status(),
        start_time=began,
        end_time=began + entry.took_us * _NANO,
        instrumentation_scope=_SCOPE,
    )


def _parent(entry: Entry, trace: int) -> SpanContext | None:
    """Return the span above; that of a client is somewhere else."""
    if not _SPAN.fullmatch(entry.parent):
        return None
    return SpanContext(trace, int(entry.parent, 16), is_remote=entry.cause is None and entry.kind in ("call", "model"))


def _is_from_outside(entry: Entry) -> bool:
    return entry.cause is None and entry.kind in ("call", "prose", "model", "refused") and not entry.chain


def _is_mcp(seen: Seen) -> bool:
    return bool(seen.context.protocol) and _is_from_outside(seen.entry)


def _name(seen: Seen) -> str:
    """Return a name of which there are few: the operation, and what is declared in the code."""
    entry = seen.entry
    tool = entry.subject.removeprefix("mads.")
    match entry.kind:
        case "event":
            return f"event {entry.subject.removeprefix('event.')}"
        case "timer":
            return f"timer {entry.subject.removeprefix('timer.')}"
        case "prose":
            return f"{semconv.INVOKE_AGENT} {entry.mad}"
        case "model":
            return f"{semconv.CHAT} {entry.subject}"
        case "refused":
            return f"refused {entry.mad}".rstrip()
        case _:
            return f"{semconv.TOOLS_CALL if _is_mcp(seen) else semconv.EXECUTE_TOOL} {tool}"


def _kind(entry: Entry) -> SpanKind:
    if entry.kind in ("event", "command"):
        return SpanKind.CONSUMER
    if entry.kind == "model":
        return SpanKind.CLIENT
    return SpanKind.SERVER if _is_from_outside(entry) else SpanKind.INTERNAL


def _attributes(seen: Seen) -> dict[str, Any]:
    entry = seen.entry
    names: dict[str, Any] = {
        semconv.KIND: entry.kind,
        semconv.SUBJECT: entry.subject,
        semconv.REQUEST: entry.id,
        semconv.CAUSE: entry.cause,
        semconv.PRINCIPAL: entry.principal,
        semconv.TENANT: entry.tenant,
        semconv.GEN_AI_AGENT: entry.mad,
        semconv.GEN_AI_CONVERSATION: entry.conversation,
        semconv.VERSION: entry.version,
        semconv.PLACE: entry.place,
        semconv.WAITED: entry.waited_us,
        semconv.COST: entry.cost,
    }
    if entry.attempt > 1:
        names[semconv.ATTEMPT] = entry.attempt
    if entry.kind in ("call", "command"):
        names[semconv.GEN_AI_OPERATION] = semconv.EXECUTE_TOOL
        names[semconv.GEN_AI_TOOL] = entry.subject.rpartition(".")[2]
    if entry.kind == "prose":
        names[semconv.GEN_AI_OPERATION] = semconv.INVOKE_AGENT
    if _is_mcp(seen):
        names[semconv.MCP_METHOD] = semconv.TOOLS_CALL
        names[semconv.MCP_VERSION] = seen.context.protocol
    if entry.outcome not in ("ok", "unheard"):
        names[semconv.ERROR_TYPE] = entry.outcome
    return {name: value for name, value in names.items() if value not in (None, "")}


def _decisions(entry: Entry, at: int) -> list[Event]:
    """Return what the guards decided, as events at the start of the span."""
    return [
        Event(
            semconv.DECISION,
            {
                semconv.DECISION_LAYER: decision.layer,
                semconv.DECISION_ALLOWED: decision.allowed,
                semconv.DECISION_RULE: decision.rule,
            },
            at,
        )
        for decision in entry.decisions
    ]
