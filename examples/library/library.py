"""A MAD that is more than tools: books to read, a prompt to choose, and a question in the middle of lending."""

from mads import Emit, Kept, Reject, ResourceUpdated, Turn, completes, mad, message, prompt, resource, tool


@message
class Book:
    title: str
    text: str
    lent_to: str = ""


@message
class Loan:
    """What a person fills in who borrows a book."""

    name: str
    weeks: int = 2


@mad
class Library:
    """You keep books, and lend them."""

    books: Kept[Book]
    turn: Turn
    emit: Emit

    @resource("library://catalogue", fresh=60)
    async def catalogue(self) -> list[str]:
        """Return the title of every book."""
        return [book.title for book in await self.books.where()]

    @resource("library://books/{title}", mime_type="text/markdown")
    async def book(self, title: str) -> str:
        """Return what is written in a book."""
        for book in await self.books.where(title=title):
            return book.text
        raise Reject(f"there is no book {title!r}")

    @completes(book, "title")
    async def titles(self, value: str) -> list[str]:
        return [book.title for book in await self.books.where() if book.title.startswith(value)]

    @prompt
    async def review(self, title: str, tone: str = "friendly") -> str:
        """Ask for a review of a book."""
        return f"Write a {tone} review of this book.\n\n{await self.book(title)}"

    @tool
    async def add(self, book: Book) -> None:
        """Put a book on the shelf."""
        await self.books.add(book)
        await self.emit(ResourceUpdated("library://catalogue"))

    @tool(interactive=True)
    async def lend(self, title: str) -> str:
        """Lend a book to whoever asks, once it is known who that is."""
        loan = await self.turn.ask(f"Who borrows {title!r}, and for how long?", returning=Loan)
        if not loan:
            return "Nobody borrows it."
        self.turn.log("info", "lent", title=title, weeks=loan.weeks)
        return f"{loan.name} has {title!r} for {loan.weeks} weeks."
