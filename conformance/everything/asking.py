"""A server's questions to its client, in either era: by requests of its own, or by asking for the call once more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CreateMessageRequest,
    CreateMessageResult,
    ElicitRequest,
    ElicitResult,
    InputRequiredResult,
    InputResponseRequestParams,
    ListRootsRequest,
    ListRootsResult,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

Context = ServerRequestContext[Any, Any]
Question = ElicitRequest | CreateMessageRequest | ListRootsRequest
Answer = ElicitResult | CreateMessageResult | ListRootsResult

NEEDED = {"elicitation/create": "elicitation", "sampling/createMessage": "sampling", "roots/list": "roots"}


class Pending(Exception):
    """The call has to be made once more, with answers to `result`'s questions."""

    def __init__(self, result: InputRequiredResult) -> None:
        super().__init__()
        self.result = result


def elicitation(message: str, **fields: Any) -> ElicitRequest:
    """Return a question for `fields`; all have to be answered."""
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    return ElicitRequest.model_validate(
        {"method": "elicitation/create", "params": {"mode": "form", "message": message, "requestedSchema": schema}}
    )


def sampling(prompt: str) -> CreateMessageRequest:
    """Return a question to the client's model."""
    message = {"role": "user", "content": {"type": "text", "text": prompt}}
    return CreateMessageRequest.model_validate(
        {"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": 100}}
    )


def able(context: Context) -> Mapping[str, Any]:
    """Return what the client says that it can."""
    if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
        meta: Mapping[str, Any] = cast("Any", context.meta) or {}
        return meta.get(CLIENT_CAPABILITIES_META_KEY) or {}
    capabilities = context.session.client_capabilities
    return capabilities.model_dump(exclude_none=True) if capabilities else {}


async def ask(
    context: Context, given: InputResponseRequestParams, questions: Mapping[str, Question], state: str = ""
) -> dict[str, Answer]:
    """Return the answers by name; raise `Pending` where they come with the next call, which brings back `state`."""
    if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        return {name: await _sent(context, question) for name, question in questions.items()}
    lacking = {NEEDED[question.method] for question in questions.values()} - able(context).keys()
    if lacking:
        needed: dict[str, Any] = {"requiredCapabilities": {each: {} for each in lacking}}
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, f"the client lacks {', '.join(lacking)}", needed)
    answers = given.input_responses or {}
    if not questions.keys() <= answers.keys():
        raise Pending(InputRequiredResult(input_requests=dict(questions), request_state=state or None))
    return {name: answers[name] for name in questions}  # type: ignore[misc]


async def _sent(context: Context, question: Question) -> Answer:
    match question:
        case ElicitRequest():
            return await context.session.send_request(question, ElicitResult)
        case CreateMessageRequest():
            return await context.session.send_request(question, CreateMessageResult)
        case ListRootsRequest():
            return await context.session.send_request(question, ListRootsResult)
