"""A MAD that offers everything that MCP knows."""

from __future__ import annotations

from typing import Literal

from mads import (
    Audio,
    Content,
    Embedded,
    Image,
    Link,
    PromptMessage,
    Reject,
    completes,
    mad,
    message,
    prompt,
    resource,
    tool,
)

PIXEL = b"\x89PNG not quite"
SHELVES = {"poems": ["ode", "sonnet"], "maps": ["atlas"]}


@message
class Card:
    """What is known of a book."""

    title: str
    year: int


@mad
class Library:
    """You lend books, pictures and sounds."""

    @resource("library://rules", title="The rules", fresh=1.5)
    async def rules(self) -> str:
        """Return how to behave."""
        return "Quiet, please."

    @resource("library://crest", mime_type="image/png")
    async def crest(self) -> bytes:
        """Return the picture over the door."""
        return PIXEL

    @resource("library://books/{shelf}/{number}")
    async def book(self, shelf: str, number: int) -> Card:
        """Return the card of a book."""
        books = SHELVES.get(shelf, [])
        if not 0 < number <= len(books):
            raise Reject(f"there is no book {number} on {shelf!r}")
        return Card(title=books[number - 1], year=1900 + number)

    @resource("library://file/{+path}")
    async def file(self, path: str) -> list[Embedded]:
        """Return a file in two parts."""
        return [
            Embedded(uri=f"library://file/{path}", text=path),
            Embedded(uri="library://crest", blob=PIXEL, mime_type="image/png"),
        ]

    @completes(book, "shelf")
    async def shelves(self, value: str) -> list[str]:
        """Complete the name of a shelf."""
        return [shelf for shelf in SHELVES if shelf.startswith(value)]

    @prompt(title="Recommend")
    async def recommend(self, mood: str, length: Literal["short", "long"] = "short") -> str:
        """Ask for something to read."""
        return f"Recommend something {length} for a {mood} evening."

    @prompt
    async def describe(self, what: str) -> list[PromptMessage | Image]:
        """Ask for words to a picture."""
        return [
            PromptMessage("assistant", "Show me."),
            Image(PIXEL, "image/png"),
            PromptMessage("user", Embedded(uri="library://rules", text=f"about {what}")),
        ]

    @completes(recommend, "mood")
    async def moods(self, value: str, length: str = "") -> list[str]:
        """Complete a mood."""
        moods = ["quiet", "quick"] if length == "short" else [f"quiet{number}" for number in range(150)]
        return [mood for mood in moods if mood.startswith(value)]

    @tool(read_only=True)
    async def show(self) -> list[str | Content]:
        """Return something of everything."""
        return [
            "some words",
            Image(PIXEL, "image/png"),
            Audio(b"RIFF", "audio/wav"),
            Embedded(uri="library://rules", text="Quiet!", mime_type="text/plain"),
            Link(uri="library://crest", name="crest"),
        ]

    @tool(read_only=True)
    async def picture(self) -> Image:
        """Return one picture."""
        return Image(PIXEL, "image/png")
