"""What somebody outside says is read as what it can mean.

Covers `Retry-After`. Does not cover what is done about it: tests/duos does.
"""

from __future__ import annotations

import pytest

from mads.wire.web import PATIENCE, retry_after

COVERS = ("R-069",)

NOW = 1_445_412_480.0
"""Wed, 21 Oct 2015 07:28:00 GMT."""


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("Wed, 21 Oct 2015 07:28:09 GMT", 9.0),
        ("Wed, 21 Oct 2099 07:28:00 GMT", PATIENCE),
        ("1e308", PATIENCE),
        ("inf", PATIENCE),
        ("Wed, 21 Oct 2015 07:27:00 GMT", None),
        ("Wed, 21 Oct 99999 07:28:00 GMT", None),
        ("0", None),
        ("-5", None),
        ("nan", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_time_to_come_is_waited_for_and_a_day_at_most(said: str, meant: float | None) -> None:
    assert retry_after({"retry-after": said}, NOW) == meant


def test_who_says_nothing_names_no_time() -> None:
    assert retry_after({}, NOW) is None
