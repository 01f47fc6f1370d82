"""Prose and code are taken apart into the same words.

Covers names of every common style and questions. Does not cover stemming, which is the index's.
"""

import pytest

from mads.recall.words import MOST, apart, keywords


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("camelCaseName", "camel Case Name"),
        ("HTTPServer", "HTTP Server"),
        ("parseURL2Path", "parse URL2 Path"),
        ("snake_case", "snake_case"),
        ("Plain text, as it IS.\nNext", "Plain text, as it IS.\nNext"),
    ],
)
def test_a_name_is_taken_apart_where_its_case_changes(name: str, words: str) -> None:
    assert apart(name) == words


def test_the_words_of_a_question_that_only_ask_are_dropped() -> None:
    assert keywords("Where is a deadline inherited?") == ["deadline", "inherited"]


def test_a_query_of_nothing_but_such_words_is_taken_as_it_is() -> None:
    assert keywords("what is this") == ["what", "is", "this"]


def test_names_in_a_query_are_taken_apart_and_every_word_counts_once() -> None:
    assert keywords("run_blocking runBlocking(run)") == ["run", "blocking"]


def test_a_query_is_bounded() -> None:
    assert len(keywords(" ".join(f"word{number}" for number in range(10_000)))) == MOST
    assert keywords("x" * 1_000_000) == ["x" * 2_000]


@pytest.mark.parametrize("query", ["", " \n", "🙂 !?", '"*()', "\0", "\ud800"])
def test_a_query_without_letters_and_digits_has_no_words(query: str) -> None:
    assert keywords(query) == []
