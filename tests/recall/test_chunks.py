"""A file is cut where its reader would cut it, and nothing of it is lost.

Covers Python, Markdown, TOML, metrics, plain text and text that only pretends to be one of these. Does not cover other
languages, which are cut as plain text.
"""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads.recall import grammars
from mads.recall.chunks import CHARACTERS, LINES, chunks

MODULE = '''\
"""What it is for."""
import os

@cache
def first():
    def inner(): ...
    return inner

class Outer:
    """A class."""

    size = 1

    # why it is so
    async def method(self):
        pass

    class Inner:
        def deep(self): ...

if os.name == "posix":
    def last(): ...
LIMIT = 3
'''

SECTIONS = """\
intro
# One
text
```sh
# no heading
```
## Deeper ##
more
# Two
"""

FRAGMENTS = st.sampled_from(
    [
        "",
        " ",
        "x = 1",
        "def f():",
        "    return 1",
        "class C:",
        "    def m(self): pass",
        "@d",
        "# c",
        '"""',
        "```",
        "# H",
        "## I",
    ]
)
TEXTS = st.one_of(st.lists(FRAGMENTS, max_size=2 * LINES).map("\n".join), st.text(max_size=300))
PATHS = st.sampled_from(["a.py", "a.md", "a.txt", "Makefile", "a.py/b"])


def symbols(path: str, text: str) -> list[tuple[int, int, str]]:
    return [(chunk.first, chunk.last, chunk.symbol) for chunk in chunks(path, text)]


def test_python_is_cut_at_functions_classes_and_methods() -> None:
    assert symbols("a.py", MODULE) == [
        (1, 1, ""),
        (2, 2, ""),
        (4, 7, "first"),
        (9, 12, "Outer"),
        (14, 16, "Outer.method"),
        (18, 18, "Outer.Inner"),
        (19, 19, "Outer.Inner.deep"),
        (21, 21, ""),
        (22, 22, "last"),
        (23, 23, ""),
    ]


@pytest.mark.parametrize("text", ["else: f(", "if x: ...\n" + "elif x: ...\n" * 900, "-" * 10_000 + "1"])
def test_python_that_defines_nothing_is_cut_as_plain_text_however_deep_it_is(text: str) -> None:
    assert {symbol for _, _, symbol in symbols("a.py", text)} == {""}


def test_python_that_is_being_written_is_cut_where_it_can_be_understood() -> None:
    assert symbols("a.py", "def f(:\n    pass\n\nclass A:\n    def g(self): return 1\n") == [
        (1, 2, "f"),
        (4, 4, "A"),
        (5, 5, "A.g"),
    ]


def test_without_a_grammar_python_is_cut_at_the_same_places(monkeypatch: pytest.MonkeyPatch) -> None:
    by_grammar = symbols("a.py", MODULE)
    monkeypatch.setitem(sys.modules, "tree_sitter", None)
    grammars.parser_of.cache_clear()
    assert symbols("a.py", MODULE) == by_grammar
    assert symbols("a.py", "def f(:\n    pass") == [(1, 2, "")]
    grammars.parser_of.cache_clear()


def test_an_invalid_escape_warns_nobody() -> None:
    assert symbols("a.py", 'def f():\n    return "\\d"') == [(1, 2, "f")]


def test_markdown_is_cut_at_headings_that_name_what_they_stand_under() -> None:
    assert symbols("a.md", SECTIONS) == [
        (1, 1, ""),
        (2, 6, "One"),
        (7, 8, "One > Deeper"),
        (9, 9, "Two"),
    ]


def test_tables_are_cut_at_their_names_requirements_at_each_and_metrics_at_each_family() -> None:
    assert symbols("a.toml", "x = 1\n[tool.ruff]\ny = 2\n[[limits]]\n") == [
        (1, 1, ""),
        (2, 3, "tool.ruff"),
        (4, 4, "limits"),
    ]
    assert symbols("requirements.toml", "R-1 = { }\n# B\nR-2 = { tests = [\n] }\n") == [(1, 2, "R-1"), (3, 4, "R-2")]
    families = "# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total 1\n# HELP up Up.\nup 1\n"
    assert symbols("a.prom", families) == [(1, 3, "calls_total"), (4, 5, "up")]


def test_what_is_long_becomes_several_chunks_of_one_symbol() -> None:
    text = "def f():\n" + "    x = 1\n" * LINES
    assert symbols("a.py", text) == [(1, LINES, "f"), (LINES + 1, LINES + 1, "f")]


def test_a_very_long_line_is_kept_in_part() -> None:
    [one, two] = chunks("a.js", "x" * 100_000 + "\ny")
    assert (len(one.text), one.first, one.last, two.text) == (2 * CHARACTERS, 1, 1, "y")


@given(PATHS, TEXTS)
def test_every_line_that_is_not_blank_is_in_exactly_one_chunk_at_its_place(path: str, text: str) -> None:
    lines = text.split("\n")
    held = [number for chunk in chunks(path, text) for number in range(chunk.first, chunk.last + 1)]
    assert held == sorted(set(held))
    assert {number for number, line in enumerate(lines, 1) if line.strip()} <= set(held)
    assert set(held) <= set(range(1, len(lines) + 1))


@given(PATHS, TEXTS)
def test_a_chunk_says_what_its_lines_say(path: str, text: str) -> None:
    lines = text.split("\n")
    for chunk in chunks(path, text):
        assert chunk.text.rstrip() == "\n".join(lines[chunk.first - 1 : chunk.last]).rstrip()
        assert chunk.text.strip()
