"""Traces are exported only where `mads.toml` says so, and what that needs is asked for by name.

Does not cover the export itself.
"""

from __future__ import annotations

import sys

import pytest

from mads.host.config import Config
from mads.host.history.exporting import export_of, look_at_traces
from mads.host.writing import Traces
from mads.wire.errors import ConfigError

COVERS = ("R-129",)


def test_a_system_that_exports_nothing_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    assert export_of(Config(mads={})) is None


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mads.observe.export", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ConfigError, match=r"write: pip install 'mads\[otlp\]'"):
        look_at_traces(Config(mads={}, traces=Traces(otlp="http://127.0.0.1:4318")))
