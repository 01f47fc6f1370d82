"""A client of somebody else's library reaches outside through an `Egress`, and is told what went wrong in its words.

Covers `httpx2` over the double of the need. Does not cover the broker.
"""

from __future__ import annotations

import httpx2
import pytest

from mads import DeadlineExceeded, Denied, Failed, NoResponder, SecretRef
from mads.egress.transport import EgressTransport
from mads.testing import reaching
from mads.wire.web import Answer

COVERS = ("R-106",)
URL = "https://api.example.com/v1"


async def test_a_request_goes_through_with_its_secret_as_a_handle() -> None:
    out = reaching({URL: Answer(429, {"retry-after": "3"}, URL, b"x" * 100)})
    secrets = {"Authorization": SecretRef("key").shaped("Bearer {}")}
    async with httpx2.AsyncClient(transport=EgressTransport(out, secrets=secrets)) as client:
        answer = await client.post(URL, json={"a": 1}, headers={"authorization": "Bearer none"})
    assert (answer.status_code, answer.headers["retry-after"], answer.content) == (429, "3", b"x" * 100)
    asked = out.asked[0]
    assert (asked.method, asked.content, asked.redirects) == ("POST", b'{"a":1}', 0)
    assert asked.headers["authorization"] == secrets["Authorization"]
    assert "host" not in asked.headers


async def test_a_stream_arrives_in_pieces() -> None:
    async with (
        httpx2.AsyncClient(transport=EgressTransport(reaching({URL: b"x" * 200}))) as client,
        client.stream("GET", URL) as answer,
    ):
        assert [len(piece) async for piece in answer.aiter_raw()] == [64, 64, 64, 8]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NoResponder("nobody"), httpx2.ConnectError),
        (DeadlineExceeded("late"), httpx2.ReadTimeout),
        (Failed("broken"), httpx2.RemoteProtocolError),
        (Denied("no"), Denied),
    ],
)
async def test_what_goes_wrong_is_told_in_the_words_of_the_client(error: Exception, told: type[Exception]) -> None:
    async with httpx2.AsyncClient(transport=EgressTransport(reaching({URL: error}))) as client:
        with pytest.raises(told):
            await client.get(URL)
