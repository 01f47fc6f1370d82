"""A double for `Talk`: a conversation that is what the test says it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from mads.wire.conversation import LONGEST, Exchange, Said
from mads.wire.errors import Denied, InvalidMessage


class Spoken(NamedTuple):
    """Something that was said, and where."""

    text: str
    conversation: str | None
    thread: str | None


class talking:  # noqa: N801  used as a verb, like the other doubles
    """A `Talk` whose history is `turns`, prose of ("who", "what"); `said` is what the MAD says.

    What it says is answered by each MAD in `answers`, in order, whether it is mentioned or not. It took part in the
    conversation `conversation`, and in no other.
    """

    def __init__(
        self, *turns: tuple[str, str] | Said, answers: dict[str, str] | None = None, conversation: str = "1"
    ) -> None:
        self.said: list[Spoken] = []
        self._turns = [self._turn(number, turn) for number, turn in enumerate(turns, 1)]
        self._answers, self._conversation = answers or {}, conversation

    async def history(
        self, *, conversation: str | None = None, thread: str | None = None, limit: int = 100
    ) -> list[Said]:
        """Return the last `limit` turns, oldest first."""
        self._check(conversation)
        if limit < 1:
            raise InvalidMessage(f"limit={limit!r}: ask for at least 1 turn")
        return [said for said in self._turns if thread in (None, said.thread, said.id)][-limit:]

    async def say(self, text: str, *, conversation: str | None = None, thread: str | None = None) -> Exchange:
        """Remember what is said; return the answers."""
        self._check(conversation)
        if not text.strip() or len(text) > LONGEST:
            raise InvalidMessage(f"a turn has 1 to {LONGEST:,} characters")
        self.said.append(Spoken(text, conversation, thread))
        turn = f"said-{len(self.said)}"
        answers = tuple(
            Said(id=f"{turn}-{mad}", at=_AT, by=mad, to="test", text=answer) for mad, answer in self._answers.items()
        )
        return Exchange(conversation=self._conversation, turn=turn, thread=thread or "", answers=answers)

    def _check(self, conversation: str | None) -> None:
        if conversation not in (None, self._conversation):
            raise Denied(f"test took no part in conversation {conversation!r}")

    @staticmethod
    def _turn(number: int, turn: tuple[str, str] | Said) -> Said:
        if isinstance(turn, Said):
            return turn
        by, text = turn
        return Said(turn=number, id=f"turn-{number}", at=_AT, by=by, text=text)


_AT = datetime(2026, 1, 1, tzinfo=UTC)
