"""Any endpoint that speaks OpenAI's chat completions: a thin client over the broker, without retries."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from msgspec import Struct, field

from mads.author.outside import Arriving, Egress
from mads.duos.fiedler.port import Answered, Embedded, Trouble
from mads.wire.errors import DeadlineExceeded, Failed, NoResponder
from mads.wire.model import ModelMessage, ModelRequest, ToolCall, Usage
from mads.wire.secret import SecretRef
from mads.wire.web import retry_after

PATIENCE = 600.0
"""Seconds that an answer may take where neither the ladder nor the caller's deadline says less."""

OK = 200
DONE = b"[DONE]"
TOO_MANY = 429
REFUSED = 400
BROKEN = 500


class _Details(Struct):
    cached_tokens: int | None = None


class _Usage(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None

    def usage(self) -> Usage:
        cached = max(0, (self.prompt_tokens_details and self.prompt_tokens_details.cached_tokens) or 0)
        return Usage(max(0, (self.prompt_tokens or 0) - cached), cached, output=max(0, self.completion_tokens or 0))


class _Function(Struct):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class _Wish(Struct):
    index: int = 0
    id: str | None = None
    function: _Function = field(default_factory=_Function)


class _Message(Struct):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Wish] | None = None


class _Choice(Struct):
    message: _Message | None = None
    delta: _Message | None = None
    finish_reason: str | None = None


class Chat(Struct):
    """An answer, or a piece of one, as this API puts it."""

    choices: list[_Choice] = field(default_factory=list[_Choice])
    model: str | None = None
    system_fingerprint: str | None = None
    usage: Any = None
    error: Any = None


class _Vector(Struct):
    index: int
    embedding: tuple[float, ...]


class _Embeddings(Struct):
    data: list[_Vector]
    model: str | None = None
    usage: Any = None


_chat = msgspec.json.Decoder(Chat)
_pieces = msgspec.json.Decoder(list[Chat])
_embeddings = msgspec.json.Decoder(_Embeddings)


class OpenAI:
    """The endpoint below `url`, which `egress` reaches; `headers` go along with every request."""

    def __init__(self, url: str, headers: Mapping[str, str | SecretRef], egress: Egress) -> None:
        self._chat, self._embeddings = f"{url.rstrip('/')}/chat/completions", f"{url.rstrip('/')}/embeddings"
        self._headers = {**headers, "content-type": "application/json"}
        self._egress = egress

    async def complete(self, model: str, request: ModelRequest) -> Answered:
        """Return the answer of `model`."""
        chat = _read(_chat, await self._post(self._chat, body_of(model, request)))
        _regret(self._chat, chat)
        if not chat.choices or chat.choices[0].message is None:
            raise Trouble("broken", f"{self._chat} answered without a choice")
        gathered = Gathered()
        gathered.take(chat)
        return gathered.answered()

    async def stream(self, model: str, request: ModelRequest) -> AsyncGenerator[str | Answered]:
        """Yield the text as it comes, and last the whole answer."""
        body = body_of(model, request) | {"stream": True, "stream_options": {"include_usage": True}}
        gathered, is_whole = Gathered(), False
        with troubled(self._chat):
            async with self._egress.stream(
                "POST", self._chat, headers=self._headers, content=msgspec.json.encode(body), timeout=PATIENCE
            ) as arriving:
                if arriving.status != OK:
                    raise refusal(arriving.status, arriving.headers, b"".join([part async for part in arriving]))
                async for events in _events(arriving):
                    is_whole = is_whole or DONE in events
                    pieces = _read(_pieces, b"[%b]" % b",".join([data for data in events if data != DONE]))
                    text = "".join([gathered.take(chat) for chat in pieces])
                    if text:
                        yield text
                    if pieces:
                        _regret(self._chat, pieces[-1])
        if not is_whole and not gathered.finish:
            raise Trouble("broken", f"the stream of {self._chat} was cut off after {len(gathered.text)} pieces")
        yield gathered.answered()

    async def embed(self, model: str, texts: Sequence[str]) -> Embedded:
        """Return a vector for each text."""
        found = _read(_embeddings, await self._post(self._embeddings, {"model": model, "input": list(texts)}))
        vectors = {each.index: each.embedding for each in found.data}
        if vectors.keys() != {*range(len(texts))}:
            raise Trouble("broken", f"{self._embeddings} returned {len(vectors)} vectors for {len(texts)} texts")
        return Embedded(tuple(vectors[at] for at in range(len(texts))), found.model or "", _used(found.usage))

    async def close(self) -> None:
        """Do nothing: the connections are the broker's."""

    async def _post(self, url: str, body: dict[str, Any]) -> bytes:
        with troubled(url):
            answer = await self._egress.request(
                "POST", url, headers=self._headers, content=msgspec.json.encode(body), timeout=PATIENCE, redirects=0
            )
        if answer.status != OK:
            raise refusal(answer.status, answer.headers, answer.body)
        return answer.body


class Gathered:
    """An answer as its pieces come in."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.finish = ""
        self._model = self._fingerprint = ""
        self._usage: Usage | None = None
        self._wishes: dict[int, tuple[list[str], list[str], list[str]]] = {}

    def take(self, chat: Chat) -> str:
        """Take one piece; return the text that it adds."""
        if not self._model:
            self._model, self._fingerprint = chat.model or "", chat.system_fingerprint or ""
        self._usage = _used(chat.usage) or self._usage
        if not chat.choices:
            return ""
        choice = chat.choices[0]
        self.finish = choice.finish_reason or self.finish
        message = choice.delta or choice.message
        if message is None:
            return ""
        for at, wish in enumerate(message.tool_calls or ()):
            self._wish(wish.index if choice.delta else at, wish)
        text = message.content or message.refusal or ""
        if text:
            self.text.append(text)
        return text

    def answered(self) -> Answered:
        """Return the whole of it; raise `Trouble` where a wish is none that can be read."""
        return Answered(
            text="".join(self.text),
            calls=tuple(self._calls()),
            finish=self.finish or "stop",
            model=self._model,
            fingerprint=self._fingerprint,
            usage=self._usage,
        )

    def _wish(self, index: int, wish: _Wish) -> None:
        ids, names, arguments = self._wishes.setdefault(index, ([], [], []))
        ids += [wish.id] if wish.id else []
        names += [wish.function.name] if wish.function.name else []
        said = wish.function.arguments
        arguments += [said if isinstance(said, str) else msgspec.json.encode(said).decode()] if said else []

    def _calls(self) -> Iterator[ToolCall]:
        for index, (ids, names, arguments) in sorted(self._wishes.items()):
            name, text = "".join(names), "".join(arguments)
            try:
                read = msgspec.json.decode(text or "{}", type=dict[str, Any])
            except (msgspec.DecodeError, RecursionError) as error:
                raise Trouble(
                    "broken", f"the model wishes for {name!r} with arguments that are no JSON: {error}"
                ) from None
            yield ToolCall("".join(ids) or f"wish-{index}", name, read)


def _used(said: Any) -> Usage | None:
    """Return what a provider says that an answer took; None where nobody can read that, which costs no answer."""
    if said is None:
        return None
    try:
        return msgspec.convert(said, _Usage, strict=False).usage()
    except msgspec.ValidationError:
        return None


def body_of(model: str, request: ModelRequest) -> dict[str, Any]:
    """Return the body of a request for `model`."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(message) for message in request.messages],
        "max_tokens": request.max_tokens,
    }
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.seed is not None:
        body["seed"] = request.seed
    if request.tools:
        body["tools"] = [
            {"type": "function", "function": {"name": it.name, "description": it.description, "parameters": it.schema}}
            for it in request.tools
        ]
    if request.schema is not None:
        form = {"name": "answer", "schema": request.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> Trouble:
    """Return what an answer with another status than 200 means."""
    said = f"answered {status}: {body[:300].decode(errors='replace')}"
    after = retry_after(headers, time.time())
    if status == TOO_MANY:
        return Trouble("limited", said, retry_after=after)
    if status >= BROKEN or status == 408:  # noqa: PLR2004  408: it waited for us too long
        return Trouble("overloaded", said, retry_after=after)
    return Trouble("refused" if status >= REFUSED else "broken", said)


def _message(message: ModelMessage) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.answers, "content": message.text}
    said: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.calls:
        said["tool_calls"] = [
            {
                "id": it.id,
                "type": "function",
                "function": {"name": it.name, "arguments": msgspec.json.encode(it.arguments).decode()},
            }
            for it in message.calls
        ]
    return said


def _read(decoder: msgspec.json.Decoder[Any], data: bytes) -> Any:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Trouble("broken", f"the answer is none of this API: {error}; it begins {data[:60]!r}") from None


async def _events(arriving: Arriving) -> AsyncGenerator[list[bytes]]:
    """Yield the data of the events that came together, each of which is one line wherever this API is spoken."""
    rest = b""
    async for part in arriving:
        *lines, rest = (rest + part).split(b"\n")
        if events := [line[5:].strip() for line in lines if line.startswith(b"data:")]:
            yield events


def _regret(url: str, chat: Chat) -> None:
    """Raise `Trouble` where somebody says in an answer that there will be none."""
    if chat.error:
        said = msgspec.json.encode(chat.error)[:300].decode(errors="replace")
        raise Trouble("overloaded", f"{url} broke off: {said}")


@contextmanager
def troubled(url: str) -> Generator[None]:
    """Make `Trouble` of an answer that did not come, or not whole; what may not be reached stays `Denied`."""
    try:
        yield
    except NoResponder as error:
        raise Trouble("lost", f"{url}: {error}") from error
    except DeadlineExceeded as error:
        raise Trouble("late", f"{url}: {error}") from error
    except Failed as error:
        raise Trouble("broken", f"{url}: {error}") from error
