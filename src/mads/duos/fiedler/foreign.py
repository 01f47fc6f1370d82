"""Anthropic, Google, Ollama and OpenAI by others' clients: pydantic-ai's models, without retries, over the broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import httpx2

from mads.author.outside import Egress
from mads.duos.fiedler.config import Api
from mads.duos.fiedler.openai import refusal
from mads.duos.fiedler.port import Answered, Embedded, Trouble
from mads.egress.transport import EgressTransport
from mads.wire.errors import Denied, MadsError
from mads.wire.model import ModelMessage, ModelRequest, ToolCall, Usage
from mads.wire.secret import SecretRef

HEADERS: Mapping[Api, tuple[str, str]] = {
    "anthropic": ("x-api-key", "{}"),
    "google": ("x-goog-api-key", "{}"),
    "ollama": ("authorization", "Bearer {}"),
    "openai-sdk": ("authorization", "Bearer {}"),
}
"""How each is shown its key."""

WHOLE: Any = {"openai_chat_streaming_requires_finish_reason": True}
"""What has their client tell a stream that is cut off from one that is at its end."""

LONGEST = 300
"""Characters of what a client of theirs says of an answer that it cannot read."""

NO_KEY = "none"  # what a client is given that asks for a key; where there is one the broker puts it in


class Foreign:
    """The provider at `url` that is spoken to as `api` says; a model's client is made when it is first asked."""

    def __init__(self, api: Api, url: str, key: str | SecretRef, egress: Egress) -> None:
        self._api: Api = api
        self._url = url
        self._plain = key if isinstance(key, str) and key else NO_KEY
        name, shape = HEADERS[api]
        secrets = {name: key.shaped(shape)} if isinstance(key, SecretRef) else {}
        transport = EgressTransport(egress, secrets=secrets)
        self._client = httpx2.AsyncClient(transport=transport, timeout=600.0, trust_env=False)
        self._models: dict[str, Any] = {}

    async def complete(self, model: str, request: ModelRequest) -> Answered:
        """Return the answer of `model`."""
        made = await self._model(model)
        from pydantic_ai.direct import model_request  # noqa: PLC0415  an optional package, imported by now

        with _told():
            return _answered(await model_request(made, **_asked(request)))

    async def stream(self, model: str, request: ModelRequest) -> AsyncGenerator[str | Answered]:
        """Yield the text as it comes, and last the whole answer."""
        made = await self._model(model)
        from pydantic_ai.direct import model_request_stream  # noqa: PLC0415

        with _told():
            async with model_request_stream(made, **_asked(request)) as arriving:
                async for event in arriving:
                    if text := _clean(_text(event)):
                        yield text
                whole = arriving.get()
        if whole.finish_reason is None:
            raise Trouble("broken", f"the stream of {model!r} was cut off")
        yield _answered(whole)

    async def embed(self, model: str, texts: Sequence[str]) -> Embedded:
        """Return a vector for each text; raise `Trouble` where the provider makes none."""
        maker = _EMBEDDERS.get(self._api)
        if maker is None:
            raise Trouble("refused", f'{model!r}: a provider with api = "{self._api}" makes no vectors')
        made = await self._model(model)
        with _told():
            found = await maker(made).embed(list(texts), input_type="document")
        if len(found.embeddings) != len(texts):
            raise Trouble("broken", f"{model!r} made {len(found.embeddings)} vectors for {len(texts)} texts")
        usage = Usage(input=found.usage.input_tokens) if found.usage.input_tokens else None
        return Embedded(tuple(map(tuple, found.embeddings)), found.model_name, usage)

    async def close(self) -> None:
        """Close the client."""
        await self._client.aclose()

    async def _model(self, id_: str) -> Any:
        """Return the client of a model; their packages take seconds to import, in which others go on."""
        if id_ not in self._models:
            self._models[id_] = await asyncio.to_thread(self._made, id_)
        return self._models[id_]

    def _made(self, id_: str) -> Any:
        try:
            import_module("pydantic_ai.direct")
            return _MAKERS[self._api](id_, self._url, self._plain, self._client)
        except ImportError as error:
            raise Trouble(
                "refused", f"api = {self._api!r} needs a client; install it: pip install 'mads[models]'"
            ) from error


def _openai(id_: str, url: str, key: str, client: httpx2.AsyncClient) -> Any:
    from openai import AsyncOpenAI  # noqa: PLC0415  optional packages, and slow to import
    from pydantic_ai.models.openai import OpenAIChatModel  # noqa: PLC0415
    from pydantic_ai.providers.openai import OpenAIProvider  # noqa: PLC0415

    made = AsyncOpenAI(base_url=url, api_key=key, http_client=client, max_retries=0)
    return OpenAIChatModel(id_, provider=OpenAIProvider(openai_client=made), profile=WHOLE)


def _ollama(id_: str, url: str, key: str, client: httpx2.AsyncClient) -> Any:
    from openai import AsyncOpenAI  # noqa: PLC0415
    from pydantic_ai.models.ollama import OllamaModel  # noqa: PLC0415
    from pydantic_ai.providers.ollama import OllamaProvider  # noqa: PLC0415

    made = AsyncOpenAI(base_url=url, api_key=key, http_client=client, max_retries=0)
    return OllamaModel(id_, provider=OllamaProvider(openai_client=made), profile=WHOLE)


def _anthropic(id_: str, url: str, key: str, client: httpx2.AsyncClient) -> Any:
    from anthropic import AsyncAnthropic  # noqa: PLC0415
    from pydantic_ai.models.anthropic import AnthropicModel  # noqa: PLC0415
    from pydantic_ai.providers.anthropic import AnthropicProvider  # noqa: PLC0415

    made = AsyncAnthropic(base_url=url, api_key=key, http_client=client, max_retries=0)
    return AnthropicModel(id_, provider=AnthropicProvider(anthropic_client=made))


def _google(id_: str, url: str, key: str, client: httpx2.AsyncClient) -> Any:
    from google.genai.types import HttpRetryOptions  # noqa: PLC0415
    from pydantic_ai.models.google import GoogleModel  # noqa: PLC0415
    from pydantic_ai.providers.google import GoogleProvider  # noqa: PLC0415

    once = HttpRetryOptions(attempts=1)
    return GoogleModel(id_, provider=GoogleProvider(api_key=key, base_url=url, http_client=client, retry_options=once))


_MAKERS: dict[Api, Callable[[str, str, str, httpx2.AsyncClient], Any]] = {
    "anthropic": _anthropic,
    "google": _google,
    "ollama": _ollama,
    "openai-sdk": _openai,
}


def _openai_vectors(model: Any) -> Any:
    from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel  # noqa: PLC0415

    return OpenAIEmbeddingModel(model.model_name, provider=model.provider)


def _google_vectors(model: Any) -> Any:
    from pydantic_ai.embeddings.google import GoogleEmbeddingModel  # noqa: PLC0415

    return GoogleEmbeddingModel(model.model_name, provider=model.provider)


_EMBEDDERS: dict[Api, Callable[[Any], Any]] = {
    "google": _google_vectors,
    "ollama": _openai_vectors,
    "openai-sdk": _openai_vectors,
}


def _asked(request: ModelRequest) -> dict[str, Any]:
    return {
        "messages": list(_messages(request.messages)),
        "model_settings": _settings(request),
        "model_request_parameters": _parameters(request),
    }


def _messages(messages: Sequence[ModelMessage]) -> Iterator[Any]:
    from pydantic_ai import messages as theirs  # noqa: PLC0415

    names = {call.id: call.name for message in messages for call in message.calls}
    for message in messages:
        match message.role:
            case "system":
                yield theirs.ModelRequest(parts=[theirs.SystemPromptPart(message.text)])
            case "user":
                yield theirs.ModelRequest(parts=[theirs.UserPromptPart(message.text)])
            case "tool":
                part = theirs.ToolReturnPart(names.get(message.answers, ""), message.text, message.answers)
                yield theirs.ModelRequest(parts=[part])
            case "assistant":
                calls = [theirs.ToolCallPart(call.name, call.arguments, call.id) for call in message.calls]
                text = [theirs.TextPart(message.text)] if message.text else []
                yield theirs.ModelResponse(parts=[*text, *calls])


def _settings(request: ModelRequest) -> Any:
    settings: dict[str, Any] = {"max_tokens": request.max_tokens}
    if request.temperature is not None:
        settings["temperature"] = request.temperature
    if request.seed is not None:
        settings["seed"] = request.seed
    return settings


def _parameters(request: ModelRequest) -> Any:
    from pydantic_ai.models import ModelRequestParameters  # noqa: PLC0415
    from pydantic_ai.output import OutputObjectDefinition  # noqa: PLC0415
    from pydantic_ai.tools import ToolDefinition  # noqa: PLC0415

    tools = [
        ToolDefinition(name=tool.name, description=tool.description, parameters_json_schema=tool.schema)
        for tool in request.tools
    ]
    if request.schema is None:
        return ModelRequestParameters(function_tools=tools)
    form = OutputObjectDefinition(json_schema=request.schema, name="answer")
    return ModelRequestParameters(function_tools=tools, output_mode="native", output_object=form)


def _answered(answer: Any) -> Answered:
    used = answer.usage
    cached, written = used.cache_read_tokens or 0, used.cache_write_tokens or 0
    calls = tuple(ToolCall(it.tool_call_id, it.tool_name, it.args_as_dict()) for it in answer.tool_calls)
    usage = Usage(max(0, used.input_tokens - cached - written), cached, written, used.output_tokens)
    if not (answer.text or calls or answer.finish_reason):
        raise Trouble("broken", f"{answer.model_name!r} answered without a choice")
    return Answered(
        text=_clean(answer.text or ""),
        calls=calls,
        finish="tool_calls" if calls else answer.finish_reason or "stop",
        model=answer.model_name or "",
        usage=usage if usage.total else None,
    )


def _text(event: Any) -> str:
    """Return the text that an event of a stream adds."""
    from pydantic_ai import messages as theirs  # noqa: PLC0415

    match event:
        case theirs.PartStartEvent(part=theirs.TextPart(content=text)):
            return text
        case theirs.PartDeltaEvent(delta=theirs.TextPartDelta(content_delta=text)):
            return text
        case _:
            return ""


def _clean(text: str) -> str:
    """Return `text` with a mark for each half of a character, which no UTF-8 has."""
    return text if text.isascii() else text.encode(errors="replace").decode()


@contextmanager
def _told() -> Generator[None]:
    """Make `Trouble` of what their clients raise."""
    from pydantic_ai.exceptions import AgentRunError, ModelHTTPError, UserError  # noqa: PLC0415

    try:
        yield
    except ModelHTTPError as error:
        raise refusal(error.status_code, error.headers or {}, str(error.body or "").encode()) from error
    except (AgentRunError, UserError, ValueError) as error:
        raise _trouble(error, " ".join(str(error).split())[:LONGEST]) from error
    except (MadsError, Trouble):
        raise
    except Exception as error:  # what no provider should say, their clients fall over in any way
        raise _trouble(error, f"the answer is none of this API: {type(error).__name__}: {error}") from error


def _trouble(error: Exception, said: str) -> Exception:
    """Return what an error of theirs means, which says this; what may not be reached stays `Denied`."""
    link: BaseException | None = error
    while link is not None:
        match link:
            case Denied():
                return link
            case httpx2.TimeoutException():
                return Trouble("late", said)
            case httpx2.RemoteProtocolError():
                return Trouble("broken", said)
            case httpx2.TransportError():
                return Trouble("lost", said)
            case _:
                link = link.__cause__ or link.__context__
    return Trouble("broken", said)
