"""The W3C trace context is taken where it is well formed, ignored where it is not, and passed on as it came.

The cases are those of the recommendation's text. Does not cover the door through which it comes.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads.wire.context import NONE, STATE, Context, Incoming, incoming, traceparent

COVERS = ("R-129",)

MANY = ",".join(f"k{number}=v" for number in range(32))
LONG = ",".join(f"k{number}={'v' * 98}" for number in range(5))[:STATE]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("said", "sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        (f" 00-{TRACE}-{SPAN}-01\t", True),
        (f"01-{TRACE}-{SPAN}-01", True),
        (f"cc-{TRACE}-{SPAN}-00-what-comes-later", False),
    ],
)
def test_what_is_well_formed_is_taken(said: str, sampled: bool) -> None:  # noqa: FBT001  a case
    assert incoming({"traceparent": said}) == Incoming(TRACE, SPAN, Context(sampled))


@pytest.mark.parametrize(
    "said",
    [
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}-0\u0661",
        "",
        None,
        7,
        [TRACE],
    ],
)
def test_what_is_malformed_is_ignored_and_its_state_with_it(said: object) -> None:
    assert incoming({"traceparent": said, "tracestate": "a=1"}) == Incoming()


@pytest.mark.parametrize(
    ("said", "passed"),
    [
        ("a=1,b=2", "a=1,b=2"),
        ("fw529a3039@dt=FfAAAA , ,\trojo=00f067", "fw529a3039@dt=FfAAAA , ,\trojo=00f067"),
        ("a=1,a=2", ""),
        ("A=1", ""),
        ("a", ""),
        ("a=é", ""),
        (MANY, MANY),
        (f"{MANY},one=more", ""),
        (f"a=1,b={'x' * 200},c={'y' * 250},d={'z' * 126}", f"a=1,b={'x' * 200},d={'z' * 126}"),
        (
            ",".join(f"k{number}={'v' * 96}" for number in range(6)),
            ",".join(f"k{number}={'v' * 96}" for number in range(5)),
        ),
        (3, ""),
    ],
)
def test_a_tracestate_is_passed_on_unchanged_where_it_may_be(said: object, passed: str) -> None:
    found = incoming({"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": said})
    assert found.context == Context(sampled=True, state=passed)
    assert len(passed) <= STATE


def test_baggage_needs_no_trace_and_is_bounded() -> None:
    assert incoming({"baggage": "user=ana;p=1, b=2"}).context.baggage == "user=ana;p=1, b=2"
    assert incoming({"baggage": "x" * 8193}) == Incoming()
    assert incoming({"baggage": "a=1\r\nset-cookie: x"}) == Incoming()


@pytest.mark.parametrize(
    ("context", "flags"), [(NONE, "01"), (Context(sampled=False), "00"), (Context(sampled=True), "01")]
)
def test_what_we_say_is_what_others_take(context: Context, flags: str) -> None:
    said = traceparent(TRACE, SPAN, context)
    assert said == f"00-{TRACE}-{SPAN}-{flags}"
    assert incoming({"traceparent": said}).trace == TRACE


@given(st.text(max_size=80), st.text(max_size=700), st.text(max_size=80))
def test_whatever_is_said_something_is_taken_or_nothing(parent: str, state: str, baggage: str) -> None:
    found = incoming({"traceparent": parent, "tracestate": state, "baggage": baggage})
    assert len(found.trace) in (0, 32)
    assert len(found.context.state) <= STATE
    assert "\n" not in found.context.state + found.context.baggage
