"""Addresses, URLs and grants: one spelling of each, and nothing that only looks public.

Covers the pure functions. Does not cover connections.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads import InvalidMessage
from mads.egress.address import is_public, packed
from mads.egress.grants import Grants
from mads.egress.target import target

COVERS = ("R-106",)


@given(st.ip_addresses(v=4))
def test_no_address_is_public_that_the_registry_calls_special(address: IPv4Address) -> None:
    if is_public(address.packed):
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=6))
def test_no_address_of_the_sixth_version_is_public_that_the_registry_calls_special(address: IPv6Address) -> None:
    if is_public(address.packed):
        assert address.is_global
        assert not address.is_multicast


@given(st.sampled_from(["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1"]))
def test_an_address_in_a_disguise_is_what_it_hides(inward: str) -> None:
    four = packed(inward)
    assert four is not None
    hidden = (
        bytes(10) + b"\xff\xff" + four,
        bytes(12) + four,
        bytes.fromhex("0064ff9b") + bytes(8) + four,
        b"\x20\x02" + four + bytes(10),
        bytes.fromhex("20010000") + bytes(8) + bytes(255 - byte for byte in four),
        bytes.fromhex("2606470000000000") + b"\x00\x00\x5e\xfe" + four,
    )
    assert not any(map(is_public, hidden))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34", "64:ff9b::808:808"])
def test_what_is_public_is(address: str) -> None:
    told = packed(address)
    assert told is not None
    assert is_public(told)


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("HTTP://EXAMPLE.com", "http://example.com/"),
        ("https://example.com.:443/a/../b?c=d#e", "https://example.com/a/../b?c=d"),
        ("http://bücher.de/ü", "http://xn--bcher-kva.de/%C3%BC"),
        ("http://[2606:4700:0:0::1]:81/", "http://[2606:4700::1]:81/"),
        ("http://93.184.216.34?x", "http://93.184.216.34/?x"),
    ],
)
def test_a_url_has_one_spelling(url: str, read: str) -> None:
    assert target(url).url == read


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://a/", "file:///etc/passwd", "gopher://a", "//a/", "http:a", "http:/a", "http:///a", "javascript:1", ""),
        *(
            "http://a@b/",
            "http://a:b@c/",
            "http://a\\@b/",
            "http://a b/",
            "http://a\tb/",
            "http://a\r\nb/",
            "http://%61/",
        ),
        *("http://127.1/", "http://0177.0.0.1/", "http://0x7f000001/", "http://2130706433/", "http://127.0.0.1./"),
        *("http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://[::1%25lo]/", "http://[fe80::1%eth0]/"),
        *(
            "http://a..b/",
            "http://-a/",
            f"http://{'a' * 64}/",
            "http://a:0/",
            "http://a:65536/",
            "http://a:b/",
            "http://a:/",
        ),
        *("http://[::ffff:127.1]/", "http://[::1/", "http://::1/", "http://a/" + "x" * 8192),
    ],
)
def test_what_could_be_read_in_two_ways_is_no_url(url: str) -> None:
    with pytest.raises(InvalidMessage):
        target(url)


@pytest.mark.parametrize(
    ("may", "url", "fits"),
    [
        ("net:example.com", "https://example.com/", True),
        ("net:example.com", "http://example.com.:80/", True),
        ("net:example.com", "https://example.com:8443/", False),
        ("net:example.com", "https://a.example.com/", False),
        ("net:example.com:8443", "https://example.com:8443/", True),
        ("net:example.com:8443", "https://example.com/", False),
        ("net:*.example.com", "https://a.b.example.com/", True),
        ("net:*.example.com", "https://example.com/", False),
        ("net:*.example.com", "https://badexample.com/", False),
        ("net:*", "https://example.com/", True),
        ("net:*", "https://example.com:22/", False),
        ("net:*", "http://127.0.0.1/", False),
        ("net:*", "http://localhost/", False),
        ("net:*", "http://x.localhost/", False),
        ("net:*", "http://[::ffff:10.0.0.1]/", False),
        ("net:*", "http://93.184.216.34/", True),
        ("net:127.0.0.1:8080", "http://127.0.0.1:8080/", True),
        ("net:127.0.0.1:8080", "http://localhost:8080/", False),
        ("net:127.0.0.1:8080", "http://[::ffff:127.0.0.1]:8080/", False),
        ("net:localhost:8080", "http://LOCALHOST:8080/", True),
        ("net:[::1]:8080", "http://[0:0::1]:8080/", True),
    ],
)
def test_a_grant_holds_what_it_names_and_no_more(may: str, url: str, *, fits: bool) -> None:
    assert (Grants([may]).by(target(url)) is not None) is fits
