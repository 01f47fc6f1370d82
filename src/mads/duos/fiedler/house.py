"""The models of the configuration, each with its provider, its pace and its price; built once, let go of at the end."""

from __future__ import annotations

import asyncio
import difflib
import ipaddress
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from mads import provides
from mads.author.outside import Egress
from mads.duos.fiedler.config import Api, ModelConfig, ProviderConfig, Providers
from mads.duos.fiedler.foreign import Foreign
from mads.duos.fiedler.local import Local
from mads.duos.fiedler.openai import OpenAI
from mads.duos.fiedler.pace import Pace
from mads.duos.fiedler.port import Provider, Trouble
from mads.duos.fiedler.prices import FREE, Rates, known, rates_of
from mads.duos.fiedler.pseudonyms import Pseudonymous
from mads.duos.fiedler.shelf import SHELF
from mads.upstream.handle import is_handle, resolved
from mads.wire.errors import ConfigError, InvalidMessage
from mads.wire.secret import SecretRef

Place = Literal["inside", "external"]

URLS: Mapping[Api, str] = {
    "openai": "https://api.openai.com/v1",
    "openai-sdk": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "google": "https://generativelanguage.googleapis.com",
    "ollama": "http://127.0.0.1:11434/v1",
}
"""Where those are who need not be told."""

SECRET = "secret:"  # noqa: S105  how a handle of one begins


@dataclass(frozen=True)
class Model:
    """A model by its `name`, and the provider `behind` it."""

    name: str
    config: ModelConfig
    behind: str
    api: Api
    provider: Provider
    pace: Pace
    place: Place
    _known: list[Rates] = field(default_factory=list[Rates])

    async def rates(self) -> Rates:
        """Return what its tokens cost: nothing on this machine, unless the configuration says so."""
        if not self._known:
            self._known.append(await asyncio.to_thread(self._rates))
        return self._known[0]

    def _rates(self) -> Rates:
        if self.config.price is not None:
            return rates_of(self.config.price)
        found = FREE if self.place == "inside" else known(self.api, self.config.id)
        if found is None:
            raise Trouble(
                "refused",
                f"nobody knows what {self.config.id!r} costs; write at providers.{self.behind}: "
                f"models.{self.name} = {{ id = {self.config.id!r}, "
                "price = { input = 0.4, output = 1.6 } } in dollars per million tokens",
            )
        return found


class House:
    """All models; `furnish` it with what the configuration says."""

    def __init__(self, egress: Egress) -> None:
        self._egress, self._shelf = egress, SHELF
        self._providers: dict[str, Provider] = {}
        self.models: dict[str, Model] = {}

    def furnish(self, providers: Providers, shelf: Path) -> None:
        """Make the providers and their models, local ones from `shelf`; raise one `ConfigError` with every mistake."""
        mistakes: list[str] = []
        self._shelf = shelf
        for name, config in providers.items():
            try:
                self._add(name, config)
            except ConfigError as error:
                mistakes.append(f"fiedler: providers.{name}: {error}")
        if mistakes:
            raise ConfigError("\n".join(mistakes))

    def _add(self, name: str, config: ProviderConfig) -> None:
        made = self._made(name, config)
        provider = self._providers[name] = Pseudonymous(made) if config.personal == "pseudonyms" else made
        pace, place = Pace(name, config.requests, config.tokens), place_of(config)
        for model, written in config.models.items():
            if model in self.models:
                raise ConfigError(f"there is a model {model!r} already, of {self.models[model].behind}; rename one")
            its = ModelConfig(written) if isinstance(written, str) else written
            self.models[model] = Model(model, its, name, config.api, provider, pace, place)

    def model(self, name: str) -> Model:
        """Return the model of that name; raise `InvalidMessage` that names the nearest where there is none."""
        if name in self.models:
            return self.models[name]
        near = difflib.get_close_matches(name, self.models, 1)
        raise InvalidMessage(
            f"there is no model {name!r}; "
            + (f"did you mean {near[0]!r}?" if near else f"there is {', '.join(self.models)}")
        )

    async def close(self) -> None:
        """Let go of every provider."""
        for provider in self._providers.values():
            await provider.close()

    def _made(self, name: str, config: ProviderConfig) -> Provider:
        url = config.url or URLS.get(config.api, "")
        match config.api:
            case "openai":
                key = _key(name, config.key)
                shown = key.shaped("Bearer {}") if isinstance(key, SecretRef) else f"Bearer {key}"
                return OpenAI(url, {"authorization": shown} if key else {}, self._egress)
            case "local":
                return Local(self._shelf)
            case api:
                return Foreign(api, url, _key(name, config.key), self._egress)


@provides
async def house(egress: Egress) -> AsyncGenerator[House]:
    """Yield the house for as long as the MAD lives."""
    built = House(egress)
    try:
        yield built
    finally:
        await built.close()


def place_of(config: ProviderConfig) -> Place:
    """Return whether what is sent to a provider stays on this machine, unless the configuration says where it is."""
    if config.place is not None:
        return config.place
    host = urlsplit(config.url or URLS.get(config.api, "")).hostname or "localhost"
    try:
        return "inside" if host == "localhost" or ipaddress.ip_address(host).is_loopback else "external"
    except ValueError:
        return "external"


def _key(name: str, key: str) -> str | SecretRef:
    """Return what is shown to a provider: a handle of Turing's, or what a variable or a file holds; "" for nothing."""
    if not key:
        return ""
    if key.startswith(SECRET) and key != SECRET:
        return SecretRef(key.removeprefix(SECRET))
    if not is_handle(key):
        raise ConfigError(
            f'a key does not stand in mads.toml; write key = "secret:{name}/key" and give it to '
            f'Turing, or key = "env:{name.upper()}_API_KEY"'
        )
    return resolved(key)
