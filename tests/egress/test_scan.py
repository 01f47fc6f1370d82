"""What leaves is looked through: tokens of known issuers, what the vault knows, personal data, also in disguise.

Covers the detector, the personal data and the policy, and the broker with a server on loopback. Does not measure:
`python -m benchmarks` does.
"""

from __future__ import annotations

import base64
import random
import string
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads import Denied
from mads.egress.broker import Broker, For
from mads.egress.config import Outgoing
from mads.egress.grants import Grants
from mads.egress.scan import personal
from mads.egress.scan.detector import Detector
from mads.egress.scan.screen import Screen
from mads.egress.target import target
from mads.wire.web import Ask
from tests.egress.outside import outside, saying
from tests.egress.test_broker import Safe

COVERS = ("R-076", "R-077")

TO = target("https://api.example.com/v1")
DETECTOR = Detector()
LETTERS = string.ascii_letters + string.digits


def chance(size: int, alphabet: str = LETTERS) -> str:
    return "".join(random.Random(size).choices(alphabet, k=size))  # noqa: S311  the same tokens each time


TOKENS = {
    "aws-access-key": "AKIA" + chance(16, string.ascii_uppercase + "234567"),
    "github-token": "ghp_" + chance(36),
    "gitlab-token": "glpat-" + chance(20),
    "anthropic-key": "sk-ant-api03-" + chance(95),
    "openai-key": "sk-proj-" + chance(74),
    "google-key": "AIza" + chance(35),
    "slack-token": "xoxb-" + chance(12, string.digits) + "-" + chance(24),
    "stripe-key": "sk_live_" + chance(24),
    "npm-token": "npm_" + chance(36),
    "huggingface-token": "hf_" + chance(34, string.ascii_letters),
    "jwt": f"eyJ{chance(30)}.eyJ{chance(60)}.{chance(43)}",
    "password-in-url": "postgres://app:" + chance(16) + "@db.example.com/x",
    "private-key": "-----BEGIN OPENSSH PRIVATE KEY-----\n" + chance(200) + "\n-----END OPENSSH PRIVATE KEY-----",
    "assigned-secret": 'client_secret = "' + chance(32) + '"',
    "telegram-token": chance(9, string.digits) + ":AA" + chance(33),
}


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_of_a_known_issuer_is_found_where_it_stands(kind: str) -> None:
    text = f"Here you are: {TOKENS[kind]} , and good luck".encode()
    found = [*DETECTOR.found(text)]
    assert kind in {it.kind for it in found}
    assert all(text[it.start : it.end].decode() in TOKENS[kind] for it in found)


@pytest.mark.parametrize(
    "text",
    [
        "password: ${PASSWORD}",
        'api_key = "YOUR_API_KEY_GOES_HERE_1"',
        "secret_name = the_secret_of_the_old_house",
        "task-force sk-learn https://user@example.com/a:b@c",
        "The password of the day was long since forgotten",
        "see https://github.com/a/b/blob/main/secret.py#L10 for the api_key handling",
        "npm_config_registry=https://example.com sha256:" + "0123456789abcdef" * 4,
    ],
)
def test_what_only_speaks_of_secrets_is_none(text: str) -> None:
    assert [*DETECTOR.found(text.encode())] == []


PERSONAL = {
    "email": ["ana@example.org", "o'neil+x@sub.example.co.uk", "юля@example.org", "josé@example.es"],
    "card": ["4012888888881881", "5555 5555 5555 4444", "3782-822463-10005"],
    "iban": ["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32"],
    "ssn": ["219-09-9999"],
    "phone": ["+49 30 901820", "(212) 555-2368", "212-555-2368", "0171/9724610"],
    "ip": ["198.51.100.7", "2001:db8::ff00:42:8329"],
}
NEITHER = [
    *("4012888888881882", "DE89370400440532013001", "000-12-3456", "version 1.2.3.4", "2026-11-22 10:30", "0.0.0.0"),  # noqa: S104
    *("1732285837123", "order 4567890123", "a@b", "12:30:45", "999.1.2.3", "SHA 1234567890123456", "3.14159265358979"),
    *("ISBN 978-3-16-148410-0", "100 200 300", "pages 10-20, 1999-2005", "x == y:: z", "room 0815"),
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in PERSONAL.items() for text in texts])
def test_structured_personal_data_are_found(kind: str, text: str) -> None:
    said = f"Please note {text}, thanks".encode()
    assert [(it.kind, said[it.start : it.end].decode()) for it in personal.found(said)] == [(kind, text)]


def test_numbers_that_follow_each_other_are_told_apart() -> None:
    said = b"+49 30 901820 4012-8888-8888-1881 10.1.2.3"
    found = {(it.kind, said[it.start : it.end]) for it in personal.found(said)}
    assert found == {("phone", b"+49 30 901820"), ("card", b"4012-8888-8888-1881"), ("ip", b"10.1.2.3")}


@pytest.mark.parametrize("text", NEITHER)
def test_what_only_looks_like_personal_data_is_none(text: str) -> None:
    assert [*personal.found(f"Please note {text}, thanks".encode())] == []


@pytest.mark.parametrize("text", ["Article 5.3.2.1", "foo@2x.png", "clause 10.4.9.86", "logo@1.5x.webp"])
def test_a_number_of_a_paragraph_and_the_name_of_a_picture_are_no_addresses(text: str) -> None:
    assert [*personal.found(f"See {text}: it says so".encode())] == []


@pytest.mark.parametrize("address", ["2001:db8:cbbc::eee5", "2a02:8106:1:96b0:0:0:0:1", "fe80::1ff:fe23:4567:890a"])
def test_a_colon_after_an_address_is_no_part_of_it(address: str) -> None:
    [it] = personal.found(f"host {address}: refused".encode())
    assert (it.kind, it.end - it.start) == ("ip", len(address))


@given(st.binary(max_size=300))
def test_whatever_is_looked_through_what_is_found_lies_within(body: bytes) -> None:
    for it in (*DETECTOR.found(body), *personal.found(body)):
        assert 0 <= it.start < it.end <= len(body)


async def passed(body: str, policy: Outgoing, known: Safe | None = None) -> str:
    """Return `body` as it may be sent."""
    sent, _ = await Screen().passed(policy, "mad", TO, tenant="default", headers={}, content=body.encode(), known=known)
    return sent.decode()


async def test_a_policy_blocks_masks_or_passes() -> None:
    body = '{"to": "ana@example.org", "key": "' + TOKENS["github-token"] + '"}'
    with pytest.raises(Denied, match="github-token") as caught:
        await passed(body, Outgoing())
    assert caught.value.rule == "outgoing: github-token"
    assert TOKENS["github-token"] not in str(caught.value)
    assert await passed(body, Outgoing("mask", "mask")) == '{"to": "[email]", "key": "[github-token]"}'
    assert await passed(body, Outgoing("pass", "pass")) == body
    with pytest.raises(Denied, match="looks like card"):  # or what is no text any more would be sent
        await passed('{"card": 4012888888881881}', Outgoing(personal="mask"))


@pytest.mark.parametrize(
    "hidden",
    [
        base64.b64encode(b"the token " + TOKENS["github-token"].encode()).decode(),
        base64.b64encode("der Schlüssel: ".encode() + TOKENS["github-token"].encode()).decode(),
        base64.encodebytes(b"this stands before the token " + TOKENS["github-token"].encode()).decode(),
        base64.urlsafe_b64encode(b"the token >>> " + TOKENS["github-token"].encode()).decode(),
        quote("the token " + TOKENS["github-token"]).replace("_", "%5F"),
        msgspec.json.encode(TOKENS["github-token"]).decode().replace("_", "\\u005f"),
    ],
)
async def test_what_is_disguised_is_found_and_never_only_masked(hidden: str) -> None:
    with pytest.raises(Denied, match="github-token"):
        await passed(f'{{"note": "{hidden}"}}', Outgoing(secrets="mask"))


async def test_what_the_vault_knows_does_not_leave_in_any_part_of_a_request() -> None:
    vault = Safe()
    it = Broker({"mad": Grants(["net:*"])}, vault=vault)
    for ask in (
        Ask("POST", "https://api.example.com/", content=b"s3cr3t-value"),
        Ask("POST", "https://api.example.com/", content=b'{"x": "s3cr3t\\u002dvalue"}'),
        Ask("GET", "https://api.example.com/?q=s3cr3t%2Dvalue"),
        Ask("GET", "https://api.example.com/", {"Authorization": "Bearer s3cr3t-value"}),
    ):
        with pytest.raises(Denied, match="the secret default:token"):
            await it.answer(For("mad"), ask)
        with pytest.raises(Denied, match="a secret of another tenant") as caught:
            await it.answer(For("mad", tenant="acme"), ask)
        assert "default:token" not in str(caught.value)


async def test_what_is_masked_is_what_arrives_and_is_told() -> None:
    async with outside(saying(b"ok")) as it:
        broker = Broker({"mad": Grants([it.may])}, outgoing={"mad": Outgoing(personal="mask")})
        _, rules = await broker.answer(For("mad"), Ask("POST", it.url(), content=b"from ana@example.org"))
        await broker.close()
    assert it.asked[0].endswith(b"content-length: 12\r\n\r\nfrom [email]")
    assert rules == (it.may, "masked: email")
