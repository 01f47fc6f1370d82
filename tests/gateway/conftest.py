"""What is promised to one era of the protocol is promised to the other."""

from __future__ import annotations

import pytest


@pytest.fixture(params=[pytest.param("legacy", marks=pytest.mark.slow), "auto"])
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)
