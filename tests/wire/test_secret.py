"""Handles of secrets.

Covers what a handle is as a value, and its shape. Does not cover what becomes of one: tests/secrets does.
"""

import re

import pytest

from mads import InvalidMessage, SecretRef
from mads.testing import granting
from mads.wire import codec

COVERS = ("R-092",)


def test_a_handle_travels_as_a_value() -> None:
    ref = SecretRef("github/token", 3).shaped("Bearer {}")

    assert codec.decode(codec.encode(ref), SecretRef) == ref


def test_a_wider_shape_keeps_the_one_within() -> None:
    assert SecretRef("a").shaped("{}:x").shaped("Basic {}") == SecretRef("a", None, "Basic {}:x")


@pytest.mark.parametrize("shape", ["Bearer", "{} and {}", ""])
def test_a_shape_has_one_place_for_the_secret(shape: str) -> None:
    with pytest.raises(InvalidMessage, match=re.escape("Bearer {}")):
        SecretRef("a").shaped(shape)


async def test_the_double_of_the_need_knows_its_paths_and_no_other() -> None:
    secrets = granting("github/token")

    assert await secrets("github/token", version=2) == SecretRef("github/token", 2)
    with pytest.raises(InvalidMessage, match="mads secret set gitlab/token"):
        await secrets("gitlab/token")
    assert secrets.asked == ["github/token", "gitlab/token"]
