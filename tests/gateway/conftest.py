"""What is promised to one era of the protocol is promised to the other."""

from __future__ import annotations

import pytest

from tests.gateway.desk import ERAS


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)
