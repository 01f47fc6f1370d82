"""What tokens cost, in millionths of a dollar per million: as the configuration says, else as `genai-prices` knows."""

from __future__ import annotations

import importlib.metadata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from mads.duos.fiedler.config import Price
from mads.wire.model import Usage

MILLION = 1_000_000
KNOWN = {"openai": "openai", "openai-sdk": "openai", "anthropic": "anthropic", "google": "google"}
"""What `genai-prices` calls those of whom it knows prices."""


class Rates(Struct, frozen=True):
    """Millionths of a dollar for a million tokens of each kind, and where they were found."""

    input: int
    output: int
    cached: int
    written: int
    source: str

    def cost(self, usage: Usage) -> int:
        """Return what `usage` costs, in millionths; each line is rounded up."""
        lines = (
            (usage.input, self.input),
            (usage.cached, self.cached),
            (usage.written, self.written),
            (usage.output, self.output),
        )
        return sum(-(-tokens * rate // MILLION) for tokens, rate in lines)


FREE = Rates(0, 0, 0, 0, "this machine")


def rates_of(price: Price) -> Rates:
    """Return what the configuration says."""
    came = _micro(price.input)
    return Rates(
        input=came,
        output=_micro(price.output),
        cached=came if price.cached is None else _micro(price.cached),
        written=came if price.written is None else _micro(price.written),
        source="mads.toml",
    )


def known(api: str, id_: str) -> Rates | None:
    """Return what `genai-prices` knows of a model; None where it, or the package, does not. Slow: ask once.

    Its prices are those of the file that its version holds: nothing is fetched. Of prices that depend on the size of a
    request, on the hour, or on a day that is still to come, the highest is taken.
    """
    if api not in KNOWN:
        return None
    try:
        from genai_prices import Usage as Used  # noqa: PLC0415  an optional package, and slow to import
        from genai_prices import calc_price  # noqa: PLC0415
    except ModuleNotFoundError:
        return None
    try:
        found: Any = calc_price(Used(input_tokens=1), id_, provider_id=KNOWN[api])
    except LookupError:
        return None
    prices = [found.model_price, *_other(found.model.prices)]
    came, went, cached, written = (
        max(_highest(getattr(price, kind)) for price in prices)
        for kind in ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
    )
    source = f"genai-prices {importlib.metadata.version('genai-prices')}"
    return Rates(came, went or came, cached or came, written or came, source) if came else None


def _other(priced: Any) -> list[Any]:
    """Return the prices that hold from a day that is still to come, or at some hours of each."""
    today = datetime.now(UTC).date()
    constrained = (each for each in getattr(priced, "__iter__", list[Any])() if each.constraint is not None)
    return [each.prices for each in constrained if getattr(each.constraint, "start_date", today) >= today]


def _highest(price: Any) -> int:
    """Return a price that may have tiers, as the highest of them: a cap may end a call too early, never too late."""
    if price is None:
        return 0
    tiers: list[Any] = [price] if isinstance(price, Decimal) else [price.base, *(tier.price for tier in price.tiers)]
    return max(_micro(tier) for tier in tiers)


def _micro(dollars: float | Decimal) -> int:
    return int((Decimal(str(dollars)) * MILLION).to_integral_value(rounding="ROUND_CEILING"))
