"""A condition is an expression of CEL: what has no answer is no yes, and what is none is refused when it is written.

Covers the language, its limits and its errors. Does not cover which rules have conditions: test_policy.py does.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads.guard.rights.condition import holds, part
from mads.wire.errors import UsageError

COVERS = ("R-047",)

FACTS: dict[str, Any] = {
    "principal": "ana",
    "tenant": "acme",
    "roles": ["editor", "reader"],
    "tool": "mads.marco.fetch",
    "arguments": {"url": "https://docs.example.org/a", "n": 3, "list": [1, 2, 3], "deep": {"is": True}, "none": None},
    "conversation": "",
    "labels": [],
    "chain": ["desk"],
}

TRUE = (
    'arguments.url.startsWith("https://docs.example.org/")',
    "arguments.url.split('/')[2].endsWith('.example.org')",
    '"editor" in roles && size(roles) == 2 && roles.size() == 2',
    'arguments.nope == 1 || tenant == "acme"',
    'tenant == "acme" || arguments.nope == 1',
    "!(arguments.nope == 1 && false)",
    "has(arguments.url) && !has(arguments.nope)",
    "arguments.deep.is && arguments['deep']['is']",
    "arguments.n * 2 + 1 == 7 && -7 / 2 == -3 && -7 % 2 == -1 && 7.0 / 2.0 == 3.5",
    "arguments.list.all(x, x > 0) && arguments.list.exists(x, x == 2) && arguments.list.exists_one(x, x > 2)",
    "arguments.list.map(x, x * x) == [1, 4, 9] && arguments.list.filter(x, x > 1) == [2, 3]",
    "arguments.n > 2 ? tool == 'mads.marco.fetch' : false",
    "1 == 1.0 && 1 != true && '1' != 1 && arguments.none == null && {'a': [1]} == {'a': [1.0]}",
    "int('12') == 12 && double('1.5') < 2 && string(3) + 'x' == '3x' && 'ABC'.lowerAscii() == 'abc'",
    "chain == ['desk'] && conversation == '' && labels == [] && principal < 'bo' && 0x10 == 16",
)

NO_ANSWER = (
    "arguments.nope == 1",
    "arguments.nope == 1 || tenant == 'globex'",
    "arguments.list[3] == 1",
    "arguments.url > 3",
    "arguments.n / 0 == 1",
    "9223372036854775807 + 1 > 0",
    "arguments.url.nope == 1",
    "arguments.n",
    "arguments.list.all(x, x)",
    "arguments.n.startsWith('x')",
    "int(arguments.url) == 1",
    "arguments.list.all(a, arguments.list.all(b, ['a','b'].all(c, true))) && [1,2].map(x, arguments.nope) == []",
)

NO_CONDITIONS = (
    "",
    "tenant",
    "1 + 1",
    "tenant = 'acme'",
    "tenant &&",
    "nope == 1",
    "arguments.url.matches('a+')",
    "arguments.url.startsWith()",
    "tenant == 'a' tenant",
    "!tenant",
    "tenant == 'open",
    "roles.all(tenant, true)",
    "has(tenant)",
    "(" * 60 + "true" + ")" * 60,
    "!" * 1000 + "true",
    "true " + "&& true" * 1000,
    "tenant == '\\q'",
    "import('os')",
    "().__class__ == 1",
)


@pytest.mark.parametrize("source", TRUE)
def test_what_is_so_holds(source: str) -> None:
    assert holds(source, FACTS) == (True, "")


@pytest.mark.parametrize("source", NO_ANSWER)
def test_what_has_no_answer_does_not_hold_and_says_why_without_what_it_was_told(source: str) -> None:
    so, why = holds(source, FACTS)
    assert not so
    assert why
    assert "docs" not in why


@pytest.mark.parametrize("source", NO_CONDITIONS)
def test_what_is_no_condition_is_refused_when_it_is_written(source: str) -> None:
    with pytest.raises(UsageError, match="condition"):
        part(source)


def test_an_expression_does_not_take_longer_than_it_may() -> None:
    facts = {**FACTS, "arguments": {"list": list(range(1000))}}
    so, why = holds("arguments.list.all(a, arguments.list.all(b, a + b >= 0))", facts)
    assert (so, why) == (False, "it takes more than 10000 steps")


@given(st.text(alphabet="()[]{}!&|<>=+-*/%.,:?'\"\\ abtenruls019\n"))
def test_whatever_is_written_is_a_condition_or_a_mistake(source: str) -> None:
    try:
        so, _ = holds(source, FACTS)
    except UsageError:
        return
    assert so in (True, False)
