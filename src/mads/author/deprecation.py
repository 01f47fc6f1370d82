"""What is to go says when, and what to use instead: "2027-03-01: use recall2"."""

from datetime import date

from msgspec import Struct

from mads.wire.errors import DeclarationError


class Deprecation(Struct, frozen=True):
    """The last day on which something is there, and what to use `instead`."""

    until: date
    instead: str

    def __str__(self) -> str:
        return f"{self.until.isoformat()}: {self.instead}"


def deprecation(text: str, place: str) -> Deprecation | None:
    """Return what `text` says, None where it says nothing; raise `DeclarationError` where it names no date and way."""
    if not text:
        return None
    day, _, instead = text.partition(":")
    try:
        until = date.fromisoformat(day.strip())
    except ValueError:
        until = None
    if until is None or not instead.strip():
        raise DeclarationError(
            f"{place}: deprecated={text!r} names no date and no way on; "
            'write the last day and what to use instead: deprecated="2027-03-01: use …"'
        )
    return Deprecation(until, instead.strip())
