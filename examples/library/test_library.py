from library import Book, Library, Loan
from mads import Declined, ResourceUpdated
from mads.testing import emitting, kept, turning

ULYSSES = Book("Ulysses", "Stately, plump Buck Mulligan …")


async def test_a_book_is_read_completed_and_reviewed() -> None:
    library = Library(books=kept(), turn=turning(), emit=(emit := emitting()))

    await library.add(ULYSSES)

    assert emit.events == [ResourceUpdated("library://catalogue")]
    assert await library.catalogue() == ["Ulysses"]
    assert await library.book("Ulysses") == ULYSSES.text
    assert await library.titles("Ul") == ["Ulysses"]
    assert "a stern review" in await library.review("Ulysses", tone="stern")


async def test_a_book_is_lent_to_who_says_so() -> None:
    library = Library(books=kept(), turn=turning(answers=[Loan("Ana", weeks=3), Declined()]), emit=emitting())

    assert await library.lend("Ulysses") == "Ana has 'Ulysses' for 3 weeks."
    assert await library.lend("Ulysses") == "Nobody borrows it."
