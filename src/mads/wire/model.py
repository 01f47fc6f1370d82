"""What MADs and models exchange: messages, tools and a form in; text, wishes for tools and what it cost out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Tokens = Annotated[int, Meta(ge=0, le=10**15)]


class ToolCall(Struct, frozen=True, forbid_unknown_fields=True):
    """A model's wish that a tool is called; the `id` is the model's own, and names the wish in the answer to it."""

    id: str
    name: str
    arguments: dict[str, Any]


class ToolOffer(Struct, frozen=True, forbid_unknown_fields=True):
    """A tool that a model may wish for; `schema` is the JSON Schema of its arguments."""

    name: str
    description: str
    schema: dict[str, Any]


class ModelMessage(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One message: an assistant's may hold `calls`, a tool's is the result of the wish whose id is `answers`."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    answers: str = ""


class ModelRequest(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is put to a model.

    `model` is a name of the configuration; empty leaves the choice to the policy, which goes by `task` and `labels`
    (what kind of data it is: "personal"). `schema` is the JSON Schema of an object that the answer must be. `prompt` is
    the version of the question, the first 16 hex digits of its SHA-256. Without `temperature` or `seed` those of the
    model's configuration are used.
    """

    messages: tuple[ModelMessage, ...]
    model: str = ""
    task: str = ""
    labels: tuple[str, ...] = ()
    tools: tuple[ToolOffer, ...] = ()
    schema: dict[str, Any] | None = None
    max_tokens: Annotated[int, Meta(ge=1, le=1_000_000)] = 1024
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    seed: int | None = None
    prompt: str = ""


class Usage(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Tokens of the four kinds that are priced apart; `input` is what neither came from a cache nor went into one."""

    input: Tokens = 0
    cached: Tokens = 0
    written: Tokens = 0
    output: Tokens = 0

    @property
    def total(self) -> int:
        """Return how many there are."""
        return self.input + self.cached + self.written + self.output


class Attempt(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One request that left for a provider, or was kept back before it: which rung it was, from 1, and what came of it.

    `outcome` is ok, or why not: limited, overloaded, late, refused, broken, lost, drifted, budget, worth,
    cancelled. `cost` is in millionths of a dollar.
    """

    rung: int
    model: str
    outcome: str
    why: str = ""
    took_ms: float = 0
    usage: Usage = Usage()
    cost: int = 0


class ModelAnswer(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a model answered.

    `model` is the name of the configuration, `id` what was asked for at the provider, `answered` what the provider says
    that answered. `usage` is the larger of what the provider reported and our own count; `flags` say where they are too
    far apart to be two counts of one thing, and what else is odd. `rung` is that of the ladder, from 1; 0 where it came
    from the cache (`cached`) or is the policy's last word (`degraded`). `votes` are how many models said the same.
    """

    text: str
    calls: tuple[ToolCall, ...] = ()
    finish: str = "stop"
    model: str = ""
    id: str = ""
    answered: str = ""
    usage: Usage = Usage()
    cost: int = 0
    rung: int = 0
    tried: tuple[Attempt, ...] = ()
    flags: tuple[str, ...] = ()
    temperature: float | None = None
    seed: int | None = None
    prompt: str = ""
    cached: bool = False
    degraded: bool = False
    votes: int = 0


class Piece(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A piece of a streamed answer: more of its `text`; the last one has the whole `answer` instead."""

    text: str = ""
    answer: ModelAnswer | None = None


class Choice(Struct, frozen=True, forbid_unknown_fields=True):
    """A decision: one of the options, or None where the model abstained; `shares` are the options' shares of votes."""

    option: str | None
    shares: dict[str, float]
    answer: ModelAnswer


class Vectors(Struct, frozen=True, forbid_unknown_fields=True):
    """A vector for each text, by `model`, which the provider calls `id`."""

    vectors: tuple[tuple[float, ...], ...]
    model: str
    id: str
    usage: Usage
    cost: int = 0


class ModelInfo(Struct, frozen=True, forbid_unknown_fields=True):
    """A model of the configuration, and how its provider fares: what was used of its limits in the last minute.

    `waiting` requests wait until the limits let them go; `closed` seconds are left until the provider may be asked
    again. Prices are in millionths of a dollar per million tokens, None where nobody knows them, as `priced` says.
    """

    name: str
    provider: str
    id: str
    place: Literal["inside", "external"]
    input_price: int | None
    output_price: int | None
    priced: str
    requests: int
    requests_limit: int | None
    tokens: int
    tokens_limit: int | None
    waiting: int
    closed: float
    answered: str
