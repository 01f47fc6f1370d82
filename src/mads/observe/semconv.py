"""The names of OpenTelemetry that our spans use, pinned: most of them are still in development there.

From semantic conventions 1.44.0 (general) and semantic-conventions-genai as of November 2026 (gen_ai, mcp). What has no
name there is ours and starts with `mads.`.
"""

from __future__ import annotations

SCHEMA = "https://opentelemetry.io/schemas/1.44.0"

ERROR_TYPE = "error.type"
PROCESS_PID = "process.pid"
SERVICE_NAME = "service.name"
SERVICE_VERSION = "service.version"
SERVICE_INSTANCE = "service.instance.id"

GEN_AI_AGENT = "gen_ai.agent.name"
GEN_AI_CONVERSATION = "gen_ai.conversation.id"
GEN_AI_OPERATION = "gen_ai.operation.name"
GEN_AI_TOOL = "gen_ai.tool.name"
EXECUTE_TOOL = "execute_tool"
INVOKE_AGENT = "invoke_agent"
CHAT = "chat"

MCP_METHOD = "mcp.method.name"
MCP_VERSION = "mcp.protocol.version"
TOOLS_CALL = "tools/call"

ATTEMPT = "mads.attempt"
CAUSE = "mads.cause.id"
COST = "mads.cost.micro"
DECISION = "mads.decision"
DECISION_ALLOWED = "mads.decision.allowed"
DECISION_LAYER = "mads.decision.layer"
DECISION_RULE = "mads.decision.rule"
KIND = "mads.kind"
PLACE = "mads.place"
PRINCIPAL = "mads.principal"
REQUEST = "mads.request.id"
SUBJECT = "mads.subject"
TENANT = "mads.tenant"
VERSION = "mads.version"
WAITED = "mads.waited_us"
