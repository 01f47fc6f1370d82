"""What tokens cost, in millionths of a dollar per million: as the configuration says, else as `genai-prices` knows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct

from mads.duos.fiedler.config import Price
from mads.wire.model import Usage

MILLION = 1_000_000
KNOWN = {"openai": "openai", "openai-sdk": "openai", "anthropic": "anthropic", "google": "google"}
"""What `genai-prices` calls those of whom it knows prices."""


class Rates(Struct, frozen=True):
    """Millionths of a dollar for a million tokens of each kind."""

    input: int
    output: int
    cached: int
    written: int

    def cost(self, usage: Usage) -> int:
        """Return what `usage` costs, in millionths; each line is rounded up."""
        lines = (
            (usage.input, self.input),
            (usage.cached, self.cached),
            (usage.written, self.written),
            (usage.output, self.output),
        )
        return sum(-(-tokens * rate // MILLION) for tokens, rate in lines)


FREE = Rates(0, 0, 0, 0)


def rates_of(price: Price) -> Rates:
    """Return what the configuration says."""
    came = _micro(price.input)
    return Rates(
        input=came,
        output=_micro(price.output),
        cached=came if price.cached is None else _micro(price.cached),
        written=came if price.written is None else _micro(price.written),
    )


def known(api: str, id_: str) -> Rates | None:
    """Return what `genai-prices` knows of a model; None where it, or the package, does not. Slow: ask once."""
    if api not in KNOWN:
        return None
    try:
        from genai_prices import Usage as Used  # noqa: PLC0415  an optional package, and slow to import
        from genai_prices import calc_price  # noqa: PLC0415
    except ModuleNotFoundError:
        return None
    try:
        price: Any = calc_price(Used(input_tokens=1), id_, provider_id=KNOWN[api]).model_price
    except LookupError:
        return None
    came, went = _highest(price.input_mtok), _highest(price.output_mtok)
    if came is None or went is None:
        return None
    cached, written = _highest(price.cache_read_mtok), _highest(price.cache_write_mtok)
    return Rates(came, went, came if cached is None else cached, came if written is None else written)


def _highest(price: Any) -> int | None:
    """Return a price that may have tiers, as the highest of them: a cap may end a call too early, never too late."""
    if price is None:
        return None
    tiers: list[Any] = [price] if isinstance(price, Decimal) else [price.base, *(tier.price for tier in price.tiers)]
    return max(_micro(tier) for tier in tiers)


def _micro(dollars: float | Decimal) -> int:
    return int((Decimal(str(dollars)) * MILLION).to_integral_value(rounding="ROUND_CEILING"))
