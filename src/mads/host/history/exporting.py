"""The way of finished calls to a collector, where `mads.toml` names one."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mads.host.config import Config
from mads.host.paths import data_folder
from mads.host.quantity import seconds
from mads.observe.tail import Rules
from mads.wire.errors import ConfigError

if TYPE_CHECKING:
    from mads.observe.export import Export

MICRO = 1_000_000


def look_at_traces(config: Config) -> None:
    """Raise `ConfigError` where traces are to be exported and what that needs is not installed."""
    if config.traces is None:
        return
    try:
        import_module("mads.observe.export")  # an extra, and slow to import
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"[traces]: {error.name!r} is not installed, which exports them; write: pip install 'mads[otlp]'"
        ) from error


def beyond(config: Config) -> list[str]:
    """Return where else goes what happens in the system of `config`, out of its own reach."""
    told = ["standard error of the system: what its log says, wherever whoever started it keeps that"]
    if config.traces is not None:
        told.append(f"the collector at {config.traces.otlp}: names, ids and times of calls, and why some failed")
    return [*told, f"copies that were made of {data_folder(Path(config.root))}, if there are any"]


def export_of(config: Config) -> Export | None:
    """Return what sends traces to the collector of `config`, running; None where there is none to send to."""
    look_at_traces(config)
    if config.traces is None:
        return None
    from mads.observe.export import Export  # noqa: PLC0415  as above

    told = config.traces
    rules = Rules(round(seconds(told.slow) * MICRO), max(1, round(told.costly * MICRO)), told.one_in)
    return Export(told.otlp, rules, told.service or Path(config.root).name or "mads")
