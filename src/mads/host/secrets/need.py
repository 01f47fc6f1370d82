"""The need `Secrets`: a MAD, wherever it runs, asks the vault in the core, which knows by the call who asks."""

from __future__ import annotations

from msgspec import Struct

from mads.bus.port import Bus, Subscription
from mads.host.caller import Caller
from mads.host.proxy import outcome
from mads.secrets.vault import StoredVault
from mads.wire import codec
from mads.wire.call import Call, Reply, current
from mads.wire.errors import Denied
from mads.wire.secret import SecretRef

HANDLE = "host.secrets.handle"

AT_ONCE = 64
"""How many handles are given out at a time: what is noted together is on disk together."""


class Asked(Struct, frozen=True, forbid_unknown_fields=True):
    """A handle of a secret, of its newest version where none is named."""

    path: str
    version: int | None


class HostSecrets:
    """The secrets of one MAD."""

    def __init__(self, bus: Bus, caller: Caller) -> None:
        self._bus, self._caller = bus, caller

    async def __call__(self, path: str, *, version: int | None = None) -> SecretRef:
        """Return a handle of the secret at `path`."""
        reply = await self._bus.request(self._caller.call(HANDLE, codec.raw(Asked(path, version))))
        ref: SecretRef = outcome(reply, SecretRef, HANDLE)
        return ref


async def serve_secrets(bus: Bus, vault: StoredVault) -> Subscription:
    """Serve handles on `bus`, to each MAD of what it was granted."""

    async def serve(call: Call) -> Reply:
        asked, identity = codec.decode(codec.raw(call.body), Asked), call.identity
        if not identity.chain:
            raise Denied(f"{identity.principal!r} is no MAD; call turing.get_secret")
        token = current.set(call)  # no layer stands round this, and the audit says in which call it was
        try:
            ref = await vault.handle(
                asked.path,
                asked.version,
                mad=identity.chain[-1],
                principal=identity.principal,
                tenant=identity.tenant,
            )
        finally:
            current.reset(token)
        return Reply(codec.raw(ref))

    return await bus.subscribe((HANDLE,), serve, group="host.secrets", at_once=AT_ONCE, capacity=1024)
