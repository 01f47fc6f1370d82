"""Fill a MAD's fields: decide how before anything runs, then build.

In this order: a value under `set`; the field's own default; a need of the runtime; a MAD's class, by a proxy; a
`@provides` factory beside the class; a class that takes nothing; else a mistake with the line to write.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from mads.author.annotations import function_hints
from mads.author.archive import Capture, Conversations
from mads.author.declaration import Declaration, Field
from mads.author.declare import ProvidesMark, is_mad, mark_of
from mads.author.foreign import Credentials, Offers
from mads.author.ledger import Ledger
from mads.author.message import is_message
from mads.author.needs import Clock, Emit, Flags, Kept, Log, Random, Send, Step, Talk, Think, Turn, Workers
from mads.author.outside import Egress, Secrets
from mads.author.secrets import SecretsKeeping, SecretsOffice
from mads.author.system import System
from mads.host.config import UPSTREAM
from mads.host.misfits import misfits
from mads.wire import codec
from mads.wire.errors import ConfigError, InvalidMessage

NEEDS: tuple[type[Any], ...] = (
    *(Think, Emit, Send, Step, Talk, Turn, Clock, Random, Flags, Workers, Log, Egress, Secrets, Ledger),
    *(System, Conversations, Capture, Credentials, Offers, SecretsOffice, SecretsKeeping),
)
"""The needs of the runtime but for `Kept`, which asks for a message type."""


@dataclass(frozen=True, slots=True)
class Filling:
    """How one field is filled: `how` for readers, and the kind of thing in `source`."""

    field: str
    how: str
    source: Any


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the configuration."""

    value: Any


@dataclass(frozen=True, slots=True)
class Need:
    """A need of the runtime."""

    type: type[Any]


@dataclass(frozen=True, slots=True)
class KeptOf:
    """Kept values of one message type."""

    type: type[Any]


@dataclass(frozen=True, slots=True)
class Mad:
    """Another MAD, by its name, and its class as the field's author knows it.

    One that stands for an MCP server `is_foreign`: its class says no more than what the author asks of it.
    """

    name: str
    cls: type[Any]
    is_foreign: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """What a factory, or a class without arguments, makes of its own fillings."""

    factory: Callable[..., Any]
    parts: tuple[Filling, ...] = ()


def plan(
    mad: str, declared: Declaration, settings: Mapping[str, Any], others: Mapping[str, type[Any]]
) -> list[Filling]:
    """Return how each field of `mad` is filled, where `others` are the classes of all MADs by name.

    Raises one `ConfigError` with every field that cannot be filled.
    """
    mistakes: list[str] = []
    names = {field.name for field in declared.fields}
    listed = ", ".join(sorted(names)) or "none"
    mistakes += [
        f"[mads] {mad} set.{key}: {declared.cls.__name__} has no field {key!r}; it has {listed}"
        for key in settings
        if key not in names
    ]
    planner = _Planner(mad, declared.cls, others)
    fillings: list[Filling] = []
    for field in declared.fields:
        try:
            filling = planner.field(field, settings)
        except ConfigError as error:
            mistakes.append(str(error))
        else:
            fillings += [filling] if filling is not None else []
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return fillings


async def build(
    declared: Declaration, fillings: list[Filling], stack: AsyncExitStack, fill: Callable[[Filling], Any]
) -> Any:
    """Return an instance with its fields filled; what factories clean up is left to `stack`.

    `fill` answers for a `Need`, a `KeptOf` and a `Mad`.
    """
    return declared.cls(**{filling.field: await _make(filling, stack, fill) for filling in fillings})


async def _make(filling: Filling, stack: AsyncExitStack, fill: Callable[[Filling], Any]) -> Any:
    source = filling.source
    if isinstance(source, Value):
        return source.value
    if not isinstance(source, Made):
        return fill(filling)
    parts = {part.field: await _make(part, stack, fill) for part in source.parts}
    factory: Any = source.factory
    if inspect.isasyncgenfunction(factory):
        return await stack.enter_async_context(asynccontextmanager(factory)(**parts))
    if inspect.isgeneratorfunction(factory):
        return stack.enter_context(contextmanager(factory)(**parts))
    made = factory(**parts)
    return await made if inspect.isawaitable(made) else made


class _Planner:
    """Decides for the fields of one MAD; `above` are the factories being planned, so that a cycle is seen."""

    def __init__(self, mad: str, cls: type[Any], others: Mapping[str, type[Any]]) -> None:
        self._mad, self._cls, self._others = mad, cls, others
        self._above: tuple[str, ...] = ()
        beside = inspect.getmodule(cls)
        self._factories = {
            _product(thing): thing for thing in vars(beside).values() if mark_of(thing, ProvidesMark) is not None
        }

    def field(self, field: Field, settings: Mapping[str, Any]) -> Filling | None:
        """Return how `field` is filled; None leaves it to its default."""
        name, type_ = field.name, field.type
        named = name in settings
        if named and not is_mad(type_):
            try:
                return Filling(name, f"{settings[name]!r} (set)", Value(codec.fit(settings[name], type_)))
            except (InvalidMessage, TypeError) as error:
                place, value = f"[mads] {self._mad} set.{name}", settings[name]
                if isinstance(value, dict | list):
                    raise ConfigError("\n".join(misfits(place, value, type_)) or f"{place}: {error}") from error
                raise ConfigError(f"{place} = {value!r}: {error}") from error
        if field.has_default and not named:
            return None
        if is_mad(type_):
            return self._proxy(name, type_, str(settings[name]) if named else None)
        return self.part(name, type_)

    def part(self, name: str, type_: Any) -> Filling:
        """Return how a field or a factory's parameter of `type_` is filled without the configuration."""
        if type_ in NEEDS:
            return Filling(name, type_.__name__, Need(type_))
        if type_ is Kept or get_origin(type_) is Kept:
            return self._kept(name, get_args(type_))
        if is_mad(type_):
            return self._proxy(name, type_, None)
        if type_ in self._factories:
            return self._made(name, self._factories[type_])
        if inspect.isclass(type_) and type_.__module__ != "builtins" and not _required(type_):
            return Filling(name, f"{type_.__name__}()", Made(type_))
        shown = getattr(type_, "__name__", str(type_))
        raise ConfigError(
            f"{self._cls.__qualname__}.{name}: nothing fills `{shown}`; write in mads.toml "
            f"`{self._mad} = {{ use = …, set = {{ {name} = … }} }}`, give the field a default, "
            f"or write `@provides def make() -> {shown}:` beside the class"
        )

    def _kept(self, name: str, arguments: tuple[Any, ...]) -> Filling:
        if len(arguments) != 1 or not is_message(arguments[0]):
            raise ConfigError(f"{self._cls.__qualname__}.{name}: write `{name}: Kept[T]` with a @message class for T")
        return Filling(name, f"Kept[{arguments[0].__name__}]", KeptOf(arguments[0]))

    def _proxy(self, name: str, type_: type[Any], other: str | None) -> Filling:
        wanted = (type_.__module__, type_.__qualname__)  # not identity: one may have been loaded anew, the other not
        fitting = [key for key, cls in self._others.items() if (cls.__module__, cls.__qualname__) == wanted]
        servers = [key for key, cls in self._others.items() if f"{cls.__module__}:{cls.__qualname__}" == UPSTREAM]
        if other in servers or (other is None and not fitting and name in servers):
            return Filling(name, f"MCP server {other or name}", Mad(other or name, type_, is_foreign=True))
        if other is not None:
            if other not in fitting:
                raise ConfigError(
                    f"[mads] {self._mad} set.{name} = {other!r}: no MAD of that name is a {type_.__name__}; "
                    f"there is {', '.join(fitting) or 'none'}"
                )
            return Filling(name, f"MAD {other}", Mad(other, type_))
        if name in fitting or len(fitting) == 1:
            chosen = name if name in fitting else fitting[0]
            return Filling(name, f"MAD {chosen}", Mad(chosen, type_))
        if fitting:
            raise ConfigError(
                f"{self._cls.__qualname__}.{name}: {' and '.join(fitting)} are both a {type_.__name__}; "
                f'write `set = {{ {name} = "{fitting[0]}" }}` at {self._mad} in mads.toml'
            )
        raise ConfigError(
            f"{self._cls.__qualname__}.{name}: no MAD of this system is a {type_.__name__}; "
            f'write under [mads] in mads.toml: {name} = "{type_.__module__}:{type_.__name__}"'
        )

    def _made(self, name: str, factory: Callable[..., Any]) -> Filling:
        if factory.__name__ in self._above:
            raise ConfigError(f"@provides runs in a circle: {' → '.join((*self._above, factory.__name__))}")
        self._above = (*self._above, factory.__name__)
        hints = function_hints(factory)
        parts = tuple(
            self.part(parameter.name, hints.get(parameter.name, Any))
            for parameter in inspect.signature(factory).parameters.values()
            if parameter.default is parameter.empty
        )
        self._above = self._above[:-1]
        return Filling(name, f"{factory.__name__}()", Made(factory, parts))


def _product(factory: Callable[..., Any]) -> Any:
    """Return the type that a `@provides` factory makes."""
    result = function_hints(factory).get("return")
    if result is None:
        raise ConfigError(f"@provides {factory.__name__}: write `-> T` with the type that it makes")
    if inspect.isgeneratorfunction(factory) or inspect.isasyncgenfunction(factory):
        return (get_args(result) or (result,))[0]
    return result


def _required(cls: type[Any]) -> list[str]:
    """Return the arguments that building `cls` takes."""
    if typing.is_typeddict(cls) or getattr(cls, "_is_protocol", False) or inspect.isabstract(cls):
        return ["…"]
    try:
        parameters = inspect.signature(cls).parameters.values()
    except (ValueError, TypeError):
        return ["…"]
    return [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
