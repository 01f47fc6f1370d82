"""How a MAD that stands for an MCP server says what that offers and how it fares, and reaches whoever called it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mads.author.declaration import Declaration, Tool
from mads.author.foreign import Keep
from mads.author.vault import Vault
from mads.host.config import UPSTREAM, MadConfig
from mads.host.offers import Approvals
from mads.host.secrets.credentials import HostCredentials
from mads.wire import codec
from mads.wire.asking import LEVELS, Asks, LogLine, Question
from mads.wire.call import current
from mads.wire.errors import CannotAsk
from mads.wire.tools import Definition

if TYPE_CHECKING:  # a child has this room too and never signs in, and what does takes longer to load than all the rest
    from mads.host.signins import SignIns

Publish = Callable[[str, Declaration], None]
"""Says to the whole system what a MAD offers from now on."""


class Foreign:
    """What a system knows of the servers that some of `mads` stand for: what was approved, what is wrong with each."""

    def __init__(
        self,
        mads: Mapping[str, MadConfig],
        approvals: Approvals,
        sign_ins: SignIns,
        publish: Publish,
        *,
        vault: Vault,
    ) -> None:
        self._vault = vault
        self.approvals, self.sign_ins, self.publish = approvals, sign_ins, publish
        self.troubles = {mad: "its server is being reached" for mad, config in mads.items() if config.use == UPSTREAM}

    def credentials(self, mad: str) -> HostCredentials | None:
        """Return what `mad` shows to the server for which it stands; None where it is a MAD like any other."""
        return HostCredentials(self._vault, mad) if mad in self.troubles else None


class HostOffers:
    """The need `Offers` of one life of `mad`, whose handler then is `offer`."""

    def __init__(
        self, mad: str, offer: Callable[[Mapping[str, Tool]], Awaitable[Declaration | None]], foreign: Foreign | None
    ) -> None:
        self.mad, self._offer, self._foreign = mad, offer, foreign

    async def tell(self, definitions: Sequence[Definition], missing: str) -> None:
        """Offer `definitions` from now on, as far as they are good."""
        foreign = self._here

        async def tell(tools: Mapping[str, Tool]) -> None:
            declared = await self._offer(tools)
            if declared is not None:
                foreign.publish(self.mad, declared)

        left_out = await foreign.approvals.found(self.mad, definitions, tell)
        self.fares("; ".join(why for why in (missing, left_out) if why))

    def fares(self, why: str) -> None:
        """Say what is wrong; "" is nothing."""
        self._here.troubles[self.mad] = why

    def signed(self, principal: str) -> Keep:
        """Return where the sign-in of `principal` is kept."""
        return self._here.sign_ins.keep(self.mad, principal)

    def can(self) -> Collection[str]:
        """Return what the client of the call that is being handled answers, or wants to hear."""
        call = current.get()
        return call.context.reaches if call is not None and call.sink is not None else ()

    def log(self, level: str, data: Any, logger: str) -> None:
        """Tell a line of the server's log to whoever made the call that is being handled."""
        call = current.get()
        if call is not None and call.sink is not None and level in LEVELS:
            call.sink.log(LogLine(level, data, logger or self.mad))

    async def ask(self, method: str, params: dict[str, Any], name: str) -> dict[str, Any]:
        """Put a question of the server to whoever made the call that is being handled."""
        call = current.get()
        if call is None or call.sink is None:
            raise CannotAsk(f"{self.mad} was called by one that takes no questions; only an MCP client does")
        return await call.sink.ask(Question(codec.fit(method, Asks), params, name))

    @property
    def _here(self) -> Foreign:
        assert self._foreign is not None, "a MAD that stands for an MCP server runs in the core"
        return self._foreign
