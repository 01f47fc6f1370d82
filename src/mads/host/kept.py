"""`Kept[T]` over a store of rows: values become bytes on the way in and are compared on the way out."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from mads.author.sensitive import HIDDEN
from mads.guard.labels import Labels, union
from mads.observe.redact import redactor
from mads.store.port import MAX_BODY, KeptRows, Row, Scope
from mads.wire import codec
from mads.wire.call import current
from mads.wire.errors import InvalidMessage, StoreError

T = TypeVar("T")


class KeptField(Generic[T]):
    """What one field of a MAD keeps: values of `type_`, in the scope that `scope` returns at each call.

    What is kept has the `labels` of the call that keeps it, and gives them to the call that reads it.
    """

    def __init__(
        self, rows: KeptRows, scope: Callable[[], Scope], type_: type[T], labels: Labels | None = None
    ) -> None:
        self._rows = rows
        self._scope = scope
        self._type, self._labels = type_, labels or Labels()
        message: Any = type_
        self._fields: dict[str, Any] = {field.name: field.type for field in msgspec.structs.fields(message)}

    async def add(self, value: T) -> None:
        """Keep one more value; raise `InvalidMessage` where it is not what its type says."""
        call = current.get()
        await self._rows.add(self._scope(), self.pack(value), () if call is None else self._labels.of(call))

    async def where(self, **equal: Any) -> list[T]:
        """Return the values whose fields equal all of `equal`, oldest first; all of them without arguments."""
        return [value for _, value in await self._find(self._scope(), equal)]

    async def remove(self, **equal: Any) -> int:
        """Forget the values whose fields equal all of `equal`; return how many there were."""
        scope = self._scope()
        found = [row for row, _ in await self._find(scope, equal)]
        return await self._rows.remove(scope, found) if found else 0

    async def _read(self, scope: Scope) -> list[Row]:
        """Return all rows; the call being handled is labelled as they are, for it might have looked at each."""
        found, call = await self._rows.rows(scope), current.get()
        if call is not None and found and (tainted := await self._rows.tainted(scope)):
            self._labels.pick(call.id, union(*(tainted.get(row, ()) for row, _ in found)))
        return found

    def pack(self, value: T) -> bytes:
        """Return the bytes of `value`, from which it can be read again."""
        if type(value) is not self._type:
            raise InvalidMessage(f"{value!r:.200} is no {self._type.__name__}; keep it in a field of its own")
        body = codec.encode(value)
        if len(body) > MAX_BODY:
            raise InvalidMessage(
                f"a {self._type.__name__} of {len(body)} bytes cannot be kept, {MAX_BODY} can; divide it"
            )
        try:
            codec.decode(body, self._type)
        except InvalidMessage as error:
            raise InvalidMessage(f"{value!r:.200} cannot be kept: {error}") from error
        return body

    async def _find(self, scope: Scope, equal: dict[str, Any]) -> list[tuple[int, T]]:
        wanted = [(name, self._fit(name, value)) for name, value in equal.items()]
        values = [(row, self._unpack(scope, row, body)) for row, body in await self._read(scope)]
        return [found for found in values if all(getattr(found[1], name) == value for name, value in wanted)]

    def _fit(self, name: str, value: Any) -> Any:
        """Return `value` as the field `name` would hold it; where it cannot, no value would ever equal it."""
        if name not in self._fields:
            raise InvalidMessage(f"{self._type.__name__} has no field {name!r}; it has {', '.join(self._fields)}")
        try:
            return codec.fit(value, self._fields[name])
        except InvalidMessage as error:
            if redactor(self._fields[name]) is not None:
                raise InvalidMessage(f"{self._type.__name__}.{name} is never {HIDDEN}") from None
            raise InvalidMessage(f"{self._type.__name__}.{name} is never {value!r:.200}: {error}") from error

    def _unpack(self, scope: Scope, row: int, body: bytes) -> T:
        try:
            value: T = codec.decode(body, self._type)
        except InvalidMessage as error:
            raise StoreError(
                f"{scope.mad}.{scope.field}: row {row} was kept when {scope.type!r} had other fields: {error}; "
                "put those back, or give a new one a default; nothing was lost"
            ) from error
        return value
