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
        for text in _split(reply.text, count):
            yield _event(head | {"choices": [{"index": 0, "delta": {"content": text}}]})
        if reply.wish:
            yield _event(
                head | {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0} | _wish(reply.wish)]}}]}
            )
        finish = "tool_calls" if reply.wish else "stop"
        yield _event(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        yield _event(head | {"choices": [], "usage": _usage(reply)})
        yield b"data: [DONE]\n\n"


class Anthropic:
    """Messages."""

    def speaks(self, path: str) -> bool:
        """Return whether `path` is one of its own."""
        return path.partition("?")[0] == "/v1/messages"

    def read(self, path: str, body: dict[str, Any]) -> Asked:
        """Return what is asked."""
        del path
        texts = [_text(message["content"]) for message in body["messages"]]
        said = " ".join((_text(body.get("system")), *texts))
        return Asked(body["model"], said, texts[-1], streams=bool(body.get("stream")), tools="tools" in body)

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
        """Iterate over the events of a stream."""
        whole = self.whole(reply)
        head: dict[str, Any] = {
            **whole,
            "content": [],
            "stop_reason": None,
            "usage": {**whole["usage"], "output_tokens": 0},
        }
        yield _named({"type": "message_start", "message": head})
        for index, block in enumerate(whole["content"]):
            if block["type"] == "text":
                empty = block | {"text": ""}
                deltas = [{"type": "text_delta", "text": text} for text in _split(reply.text, count)]
            else:
                empty = block | {"input": {}}
                deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
            yield _named({"type": "content_block_start", "index": index, "content_block": empty})
            for delta in deltas:
                yield _named({"type": "content_block_delta", "index": index, "delta": delta})
            yield _named({"type": "content_block_stop", "index": index})
        end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
        yield _named({"type": "message_delta", "delta": end, "usage": {"output_tokens": reply.claimed[1]}})
        yield _named({"type": "message_stop"})


class Google:
    """Generated content, and vectors."""

    def speaks(self, path: str) -> bool:
        """Return whether `path` is one of its own."""
        return path.partition("?")[0].endswith((":generateContent", ":streamGenerateContent", ":batchEmbedContents"))

    def read(self, path: str, body: dict[str, Any]) -> Asked:
        """Return what is asked."""
        model, _, verb = path.partition("?")[0].rpartition("/")[2].partition(":")
        asked = body["requests"] if verb == "batchEmbedContents" else body["contents"]
        texts = [_text((each.get("content") or each).get("parts")) for each in asked]
        said = " ".join((_text(body.get("systemInstruction", {}).get("parts")), *texts))
        streams = verb == "streamGenerateContent"
        embeds = texts if verb == "batchEmbedContents" else None
        return Asked(model, said, texts[-1], streams=streams, tools="tools" in body, embeds=embeds)

    def whole(self, reply: Reply) -> dict[str, Any]:
        """Return the answer in one piece."""
        if reply.vectors is not None:
            return {"embeddings": [{"values": each} for each in reply.vectors]}
        parts: list[dict[str, Any]] = [{"text": reply.text}] if reply.text else []
        if reply.wish:
            parts.append({"functionCall": {"name": reply.wish[0], "args": reply.wish[1]}})
        return self._candidate(reply, parts) | {"usageMetadata": self._used(reply)}

    def chunks(self, reply: Reply, count: int) -> Iterator[bytes]:
        """Iterate over the events of a stream."""
        for text in _split(reply.text, count):
            yield _event(self._candidate(reply, [{"text": text}], finish=None))
        parts = [{"functionCall": {"name": reply.wish[0], "args": reply.wish[1]}}] if reply.wish else [{"text": ""}]
        yield _event(self._candidate(reply, parts) | {"usageMetadata": self._used(reply)})

    def _candidate(self, reply: Reply, parts: list[dict[str, Any]], finish: str | None = "STOP") -> dict[str, Any]:
        candidate = {"content": {"role": "model", "parts": parts}, "index": 0}
        ended = {"finishReason": finish} if finish else {}
        return {"candidates": [candidate | ended], "modelVersion": reply.model, "responseId": "answer-1"}

    def _used(self, reply: Reply) -> dict[str, int]:
        return {"promptTokenCount": reply.claimed[0], "candidatesTokenCount": reply.claimed[1]}


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


def _named(body: dict[str, Any]) -> bytes:
    return f"event: {body['type']}\n".encode() + _event(body)


def _split(text: str, count: int) -> Iterator[str]:
    """Iterate over `text` in at most `count` pieces."""
    size = max(1, math.ceil(len(text) / count))
    return (text[start : start + size] for start in range(0, len(text), size))
