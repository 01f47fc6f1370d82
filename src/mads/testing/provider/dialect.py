"""How OpenAI, Anthropic and Google put the same things: what is asked, and what is answered."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator
from typing import Any, Protocol, cast

from msgspec import Struct

from mads.testing.provider.process import Say

_WISH = re.compile(r"call (\w+) (\{.*\})", re.DOTALL)
DIMENSIONS = 8


class Reply(Struct, frozen=True):
    """What is answered: text, or a wish for a tool; and what is billed, and claimed, for it."""

    text: str
    model: str
    billed: tuple[int, int]
    claimed: tuple[int, int]
    wish: tuple[str, dict[str, Any]] | None = None
    vectors: list[list[float]] | None = None


class Asked(Struct, frozen=True):
    """What is asked: everything that was said, the last message's words, and the form of the answer."""

    model: str
    said: str
    last: str
    streams: bool = False
    schema: dict[str, Any] | None = None
    tools: bool = False
    embeds: list[str] | None = None

    def reply(self, say: Say) -> Reply:
        """Return the answer, as it was told to be or as it comes by itself."""
        wish = _WISH.search(self.last) if self.tools and say.text is None else None
        text = say.text
        if text is None:
            text = "" if wish else self.last if self.schema is None else json.dumps(instance(self.schema))
        came = words(text) + (words(wish[2]) if wish else 0)
        billed = (words(self.said), came)
        return Reply(
            text=text,
            model=say.model or self.model,
            billed=billed,
            claimed=say.usage or billed,
            wish=(wish[1], json.loads(wish[2])) if wish else None,
            vectors=None if self.embeds is None else [vector(each) for each in self.embeds],
        )


class Dialect(Protocol):
    """How one provider puts it."""

    def speaks(self, path: str) -> bool:
        """Return whether `path` is one of its own."""
        ...

    def read(self, path: str, body: dict[str, Any]) -> Asked:
        """Return what is asked."""
        ...

    def whole(self, reply: Reply) -> dict[str, Any]:
        """Return the answer in one piece."""
        ...

    def chunks(self, reply: Reply, count: int) -> Iterator[bytes]:
        """Iterate over the events of a stream."""
        ...


class OpenAI:
    """Chat completions and embeddings."""

    def speaks(self, path: str) -> bool:
        """Return whether `path` is one of its own."""
        return path in ("/v1/chat/completions", "/v1/embeddings")

    def read(self, path: str, body: dict[str, Any]) -> Asked:
        """Return what is asked."""
        if path == "/v1/embeddings":
            texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
            return Asked(body["model"], " ".join(texts), "", embeds=texts)
        texts = [_text(message.get("content")) for message in body["messages"]]
        form: dict[str, Any] = body.get("response_format") or {}
        return Asked(
            model=body["model"],
            said=" ".join(texts),
            last=texts[-1],
            streams=bool(body.get("stream")),
            schema=form.get("json_schema", {}).get("schema"),
            tools=bool(body.get("tools")),
        )

    def whole(self, reply: Reply) -> dict[str, Any]:
        """Return the answer in one piece."""
        if reply.vectors is not None:
            data = [{"index": at, "embedding": each} for at, each in enumerate(reply.vectors)]
            return {"data": data, "model": reply.model, "usage": _usage(reply)}
        message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
        if reply.wish:
            message["tool_calls"] = [_wish(reply.wish)]
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if reply.wish else "stop"}
        return _chat("chat.completion", reply) | {"choices": [choice], "usage": _usage(reply)}

    def chunks(self, reply: Reply, count: int) -> Iterator[bytes]:
        """Iterate over the events of a stream."""
        head = _chat("chat.completion.chunk", reply)
        size = max(1, math.ceil(len(reply.text) / count))
        for start in range(0, len(reply.text), size):
            yield _event(head | {"choices": [{"index": 0, "delta": {"content": reply.text[start : start + size]}}]})
        if reply.wish:
            yield _event(
                head | {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0} | _wish(reply.wish)]}}]}
            )
        finish = "tool_calls" if reply.wish else "stop"
        yield _event(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        yield _event(head | {"choices": [], "usage": _usage(reply)})
        yield b"data: [DONE]\n\n"


class Anthropic:
    """Messages, in one piece."""

    def speaks(self, path: str) -> bool:
        """Return whether `path` is one of its own."""
        return path.partition("?")[0] == "/v1/messages"

    def read(self, path: str, body: dict[str, Any]) -> Asked:
        """Return what is asked."""
        del path
        texts = [_text(message["content"]) for message in body["messages"]]
        return Asked(body["model"], " ".join((_text(body.get("system")), *texts)), texts[-1], tools="tools" in body)

    def whole(self, reply: Reply) -> dict[str, Any]:
        """Return the answer in one piece."""
        content: list[dict[str, Any]] = [{"type": "text", "text": reply.text}] if reply.text else []
        if reply.wish:
            content.append({"type": "tool_use", "id": "wish-1", "name": reply.wish[0], "input": reply.wish[1]})
        return {
            "id": "msg-1",
            "type": "message",
            "role": "assistant",
            "model": reply.model,
            "content": content,
            "stop_reason": "tool_use" if reply.wish else "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": reply.claimed[0], "output_tokens": reply.claimed[1]},
        }

    def chunks(self, reply: Reply, count: int) -> Iterator[bytes]:
        """Iterate over nothing: it streams for nobody."""
        del reply, count
        yield from ()


class Google:
    """Generated content, in one piece."""

    def speaks(self, path: str) -> bool:
        """Return whether `path` is one of its own."""
        return path.partition("?")[0].endswith(":generateContent")

    def read(self, path: str, body: dict[str, Any]) -> Asked:
        """Return what is asked."""
        model = path.rpartition("/")[2].partition(":")[0]
        texts = [_text(each.get("parts")) for each in body["contents"]]
        said = " ".join((_text(body.get("systemInstruction", {}).get("parts")), *texts))
        return Asked(model, said, texts[-1], tools="tools" in body)

    def whole(self, reply: Reply) -> dict[str, Any]:
        """Return the answer in one piece."""
        parts: list[dict[str, Any]] = [{"text": reply.text}] if reply.text else []
        if reply.wish:
            parts.append({"functionCall": {"name": reply.wish[0], "args": reply.wish[1]}})
        used = {"promptTokenCount": reply.claimed[0], "candidatesTokenCount": reply.claimed[1]}
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
        return {"candidates": [candidate], "usageMetadata": used, "modelVersion": reply.model}

    def chunks(self, reply: Reply, count: int) -> Iterator[bytes]:
        """Iterate over nothing: it streams for nobody."""
        del reply, count
        yield from ()


DIALECTS: tuple[Dialect, ...] = (OpenAI(), Anthropic(), Google())


def words(text: str) -> int:
    """Return how many words `text` has: what the provider calls a token."""
    return len(text.split())


def vector(text: str) -> list[float]:
    """Return a vector of length 1 that is the same for the same text."""
    found = [byte - 127.5 for byte in hashlib.sha256(text.encode()).digest()[:DIMENSIONS]]
    length = math.sqrt(sum(each * each for each in found))
    return [each / length for each in found]


def instance(schema: dict[str, Any], definitions: dict[str, Any] | None = None) -> Any:
    """Return the smallest value that fits `schema`, the same each time."""
    known: dict[str, Any] = schema.get("$defs", {}) if definitions is None else definitions
    match schema:
        case {"$ref": ref}:
            return instance(known[ref.rpartition("/")[2]], known)
        case {"enum": [first, *_]} | {"const": first}:
            return first
        case {"anyOf": [first, *_]} | {"oneOf": [first, *_]}:
            return instance(first, known)
        case {"type": "object"}:
            properties = schema.get("properties", {})
            return {name: instance(properties[name], known) for name in schema.get("required", ())}
        case {"type": "array", "minItems": least}:
            return [instance(schema.get("items", {}), known)] * least
        case _:
            plain: dict[str, Any] = {"array": [], "string": "x" * schema.get("minLength", 0), "boolean": False}
            return (plain | {"integer": schema.get("minimum", 0), "number": 0}).get(schema.get("type", ""))


def _text(content: Any) -> str:
    if not isinstance(content, list):
        return content or ""
    parts = cast("list[dict[str, Any]]", content)
    return " ".join(str(part.get("text") or part.get("content") or "") for part in parts)


def _chat(kind: str, reply: Reply) -> dict[str, Any]:
    return {"id": "chat-1", "object": kind, "created": 1, "model": reply.model, "system_fingerprint": "test"}


def _usage(reply: Reply) -> dict[str, int]:
    came, went = reply.claimed
    return {"prompt_tokens": came, "completion_tokens": went, "total_tokens": came + went}


def _wish(wish: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"id": "wish-1", "type": "function", "function": {"name": wish[0], "arguments": json.dumps(wish[1])}}


def _event(body: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(body)}\n\n".encode()
