"""What `set` at Fiedler says in `mads.toml`: providers, their models, and the policy that chooses among them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Api = Literal["openai", "anthropic", "google", "ollama", "openai-sdk", "local"]
"""How a provider is spoken to: `openai` by a client of our own, `openai-sdk` by OpenAI's."""

Many = Annotated[int, Meta(ge=1)]
Dollars = Annotated[float, Meta(ge=0)]
Seconds = Annotated[float, Meta(gt=0)]


class Price(Struct, frozen=True, forbid_unknown_fields=True):
    """Dollars for a million tokens of each kind; what came from a cache, or went into one, is input like any other."""

    input: Dollars
    output: Dollars
    cached: Dollars | None = None
    written: Dollars | None = None


class ModelConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """A model: the provider's `id` of it, what its tokens cost, and what is asked where the caller says nothing.

    `drift` says what happens once the provider says that another model answers under this id: that is told, or refused
    until `mads call fiedler.accept model=NAME`. `within` is the longest that one attempt may take.
    """

    id: str
    price: Price | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    seed: int | None = None
    within: Seconds | None = None
    drift: Literal["tell", "refuse"] = "tell"


class ProviderConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Where `models` are: how to speak to it, its `url`, and its `key` ("secret:PATH", "env:NAME", "file:PATH").

    A model goes by a name of ours; a text is the provider's own id of it. The provider is never sent more than so many
    `requests` and `tokens` in any minute. `place` says what may be sent there: what carries a label that stays `inside`
    goes to no `external` one; a provider on this machine is inside. Where `personal` is "pseudonyms", e-mail addresses,
    numbers of phones, cards and accounts and the like are hidden from it, and are there again in what it answers.
    """

    models: Annotated[dict[str, ModelConfig | str], Meta(min_length=1)]
    api: Api = "openai"
    url: str = ""
    key: str = ""
    requests: Many | None = None
    tokens: Many | None = None
    place: Literal["inside", "external"] | None = None
    personal: Literal["plain", "pseudonyms"] = "plain"


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """Which `models` answer what is of this `task`, `tenant` and `label`, the first first; empty fits everything.

    `hedge`: where a model has not answered after so many seconds, the next is asked as well, and the first answer
    counts. `verdict`: all are asked, and what most of them say counts. `cache`: for so many seconds the same answer is
    given to exactly the same request. `stale`: where no model answers, an older one is. `degraded`: else, this is said.
    """

    models: Annotated[tuple[str, ...], Meta(min_length=1)]
    task: str = ""
    tenant: str = ""
    label: str = ""
    hedge: Seconds | None = None
    verdict: bool = False
    cache: Seconds | None = None
    stale: bool = False
    degraded: str = ""


Providers = dict[str, ProviderConfig]
Policy = list[Rule]
