"""A text becomes the numbers that BERT's own tokenizer gives it.

Covers words, pieces, signs, accents, other scripts and bounds, by numbers that the reference tokenizer gave. Does not
cover languages whose words are not set apart by spaces, beyond Chinese characters.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads.recall.wordpiece import WordPiece


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", [101, 102]),
        ("Hello, world!", [101, 7592, 1010, 2088, 999, 102]),
        ("def feed_zebra(self):", [101, 13366, 5438, 1035, 29145, 1006, 2969, 1007, 1024, 102]),
        ("Café", [101, 7668, 102]),
        ("unaffable", [101, 14477, 20961, 3468, 102]),
        ("x" * 101, [101, 100, 102]),
    ],
)
def test_a_text_becomes_its_numbers(text: str, numbers: list[int]) -> None:
    assert WordPiece().numbers(text, 256) == numbers


@given(st.text(max_size=300), st.integers(2, 64))
def test_any_text_becomes_numbers_of_the_vocabulary_and_no_more_than_asked_for(text: str, most: int) -> None:
    numbers = WordPiece().numbers(text, most)
    assert (numbers[0], numbers[-1], len(numbers) <= most) == (101, 102, True)
    assert all(0 <= number < 30_522 for number in numbers)
