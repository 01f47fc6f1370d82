"""A double for `Kept[T]`: what the host fills it with, over rows in memory."""

from typing import Any, Generic, TypeVar

from mads.author.message import wire_name
from mads.host.kept import KeptField
from mads.store.memory import MemoryRows
from mads.store.port import Scope

T = TypeVar("T")


class kept(Generic[T]):  # noqa: N801  used as a verb, like the other doubles
    """A `Kept` that holds `values`, as bytes; their type is that of the first."""

    def __init__(self, *values: T) -> None:
        self._rows = MemoryRows()
        self._field: KeptField[T] | None = None
        for value in values:
            self._rows.put(_scope(type(value)), self._field_for(value).pack(value))

    async def add(self, value: T) -> None:
        """Keep one more value."""
        await self._field_for(value).add(value)

    async def where(self, **equal: Any) -> list[T]:
        """Return the values whose fields equal all of `equal`, oldest first; all of them without arguments."""
        return [] if self._field is None else await self._field.where(**equal)

    async def remove(self, **equal: Any) -> int:
        """Forget the values whose fields equal all of `equal`; return how many there were."""
        return 0 if self._field is None else await self._field.remove(**equal)

    def _field_for(self, value: T) -> KeptField[T]:
        if self._field is None:
            scope = _scope(type(value))
            self._field = KeptField(self._rows, lambda: scope, type(value))
        return self._field


def _scope(type_: type[Any]) -> Scope:
    return Scope(tenant="default", mad="test", field="kept", type=wire_name(type_))
