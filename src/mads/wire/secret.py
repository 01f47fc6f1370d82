"""`SecretRef`: a secret by its name, which may go through hands, records and models that must never see the secret."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from mads.wire.errors import InvalidMessage

HOLE = "{}"
"""Where the secret goes in a shape."""


class SecretRef(Struct, frozen=True, forbid_unknown_fields=True):
    """A handle of the secret at `path`: a value of a header, of which only what sends the request sees more.

    `version` None is the newest at the time of use. The secret stands in the place of `{}` in `shape`. A handle that
    was lent ends with its `lease`. Only a value of this type is a handle: a text that looks like one is a text.
    """

    path: str
    version: int | None = None
    shape: str = HOLE
    lease: int | None = None

    def shaped(self, shape: str) -> SecretRef:
        """Return the same handle within a wider form: `ref.shaped("Bearer {}")`; the shape has one `{}`."""
        if shape.count(HOLE) != 1:
            raise InvalidMessage(f"{shape!r} has no one place for the secret; write it as in 'Bearer {{}}'")
        return replace(self, shape=shape.replace(HOLE, self.shape))
