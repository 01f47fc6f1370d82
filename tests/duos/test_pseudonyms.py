"""What is personal leaves as a pseudonym and comes back as itself, whatever the provider makes of it.

Covers the names and the way there and back, before a provider of three lines. Does not cover what is found to be
personal (tests/egress/test_scan.py), nor a whole system (tests/duos/test_fiedler.py).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads.duos.fiedler.port import Answered, Embedded
from mads.duos.fiedler.pseudonyms import Pseudonymous, Pseudonyms
from mads.wire.model import ModelMessage, ModelRequest, ToolCall

COVERS = ("R-078",)

ANA, BO, CARD = "ana@example.org", "bo@example.org", "4012-8888-8888-1881"
WORDS = st.one_of(
    st.sampled_from((ANA, BO, CARD, "[EMAIL_1]", "[", "[EMAIL_", "]", "write to", "+49 30 901820", "10.1.2.3")),
    st.text(max_size=8),
)


class Echo:
    """A provider that says what it is told last, in pieces of so many characters, and keeps what it saw."""

    def __init__(self, size: int = 3) -> None:
        self.seen: list[str] = []
        self._size = size

    async def complete(self, model: str, request: ModelRequest) -> Answered:
        """Say what was said."""
        last = request.messages[-1]
        self.seen += [message.text for message in request.messages] + [str(call.arguments) for call in last.calls]
        return Answered(last.text, last.calls, model=model)

    async def stream(self, model: str, request: ModelRequest) -> AsyncGenerator[str | Answered]:
        """Say what was said, in pieces."""
        answer = await self.complete(model, request)
        for at in range(0, len(answer.text), self._size):
            yield answer.text[at : at + self._size]
        yield answer

    async def embed(self, model: str, texts: Sequence[str]) -> Embedded:
        """Return no vectors."""
        self.seen += texts
        return Embedded((), model)

    async def close(self) -> None:
        """Hold nothing."""


def asking(*texts: str, calls: tuple[ToolCall, ...] = ()) -> ModelRequest:
    """Return a request of these messages, the last one with these calls."""
    return ModelRequest((*(ModelMessage("user", text) for text in texts[:-1]), ModelMessage("user", texts[-1], calls)))


@given(st.lists(WORDS, max_size=8).map(" ".join))
def test_what_is_hidden_and_shown_again_is_what_it_was(text: str) -> None:
    names = Pseudonyms([text])
    hidden = names.hide(text)
    assert names.show(hidden) == text
    assert not {ANA, BO, CARD}.intersection(hidden.split())


def test_one_person_has_one_name_and_nobody_has_one_that_the_text_holds_itself() -> None:
    text = f"[EMAIL_1] {ANA} {BO} {ANA} [EMAIL_9]"
    assert Pseudonyms([text]).hide(text) == "[EMAIL_1] [EMAIL_2] [EMAIL_3] [EMAIL_2] [EMAIL_9]"


async def test_a_provider_sees_pseudonyms_and_its_answer_and_its_wishes_hold_what_they_stand_for() -> None:
    echo = Echo()
    wish = ToolCall("1", "mail", {"to": [BO], "about": {"card": f"it is {CARD}"}, "times": 2})
    answered = await Pseudonymous(echo).complete("m", asking(f"I am {ANA}", f"write from {ANA}", calls=(wish,)))
    assert (answered.text, answered.calls) == (f"write from {ANA}", (wish,))
    assert echo.seen[:2] == ["I am [EMAIL_1]", "write from [EMAIL_1]"]
    assert echo.seen[2] == "{'to': ['[EMAIL_2]'], 'about': {'card': 'it is [CARD_1]'}, 'times': 2}"
    await Pseudonymous(echo).embed("m", [f"of {BO}"])
    assert echo.seen[3:] == ["of [EMAIL_1]"]


@pytest.mark.parametrize("size", [1, 3, 7, 100])
@pytest.mark.parametrize("text", [f"to {ANA}, {BO}.", f"{ANA}", f"a [ b [EMAIL c [1] {ANA} [EMAIL_", "[", "plain"])
async def test_a_stream_is_cut_nowhere_within_a_pseudonym(text: str, size: int) -> None:
    *pieces, answered = [item async for item in Pseudonymous(Echo(size)).stream("m", asking(text))]
    assert "".join(map(str, pieces)) == text
    assert isinstance(answered, Answered)
    assert answered.text == text
