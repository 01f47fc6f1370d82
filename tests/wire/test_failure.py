"""An error crosses a process boundary as a value and arrives as the same error, with its causes."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mads.wire import codec
from mads.wire.errors import CallError, Denied, Failed, InvalidMessage, Lost, MadsError, Overloaded, StoreError
from mads.wire.failure import CAUSES, Failure, error_of, failure_of

COVERS = ("R-022",)


def every(kind: type[CallError]) -> list[type[CallError]]:
    """Return `kind` and everything below it."""
    return [kind, *(found for below in kind.__subclasses__() for found in every(below))]


ERRORS = [kind for kind in every(CallError) if kind is not CallError]

links = st.builds(
    Failure,
    code=st.sampled_from([kind.code for kind in ERRORS]),
    message=st.text(),
    where=st.text(),
    request=st.text(),
    retry_after=st.none() | st.floats(0, 1e6),
)
chains = st.lists(links, min_size=1, max_size=CAUSES).map(
    lambda chain: reduce(lambda cause, failure: replace(failure, cause=cause), chain)
)


def test_every_error_has_a_code_of_its_own() -> None:
    assert len({kind.code for kind in ERRORS}) == len(ERRORS)


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_arrives_as_its_own_class_with_all_it_says(kind: type[CallError]) -> None:
    error = error_of(failure_of(kind("no", where="mads.scribe.write", request="r-1", retry_after=0.5)))

    assert type(error) is kind
    assert (str(error), error.where, error.request, error.retry_after) == ("no", "mads.scribe.write", "r-1", 0.5)


@given(failure=chains)
def test_a_failure_is_the_failure_of_its_error(failure: Failure) -> None:
    assert failure_of(error_of(failure)) == failure
    assert codec.decode(codec.encode(failure), Failure) == failure


def test_what_is_no_call_error_has_failed_and_says_what_it_was() -> None:
    failure = failure_of(ZeroDivisionError("division by zero"), where="mads.scribe.write", request="r-1")

    assert failure == Failure("failed", "ZeroDivisionError: division by zero", "mads.scribe.write", "r-1")
    assert type(error_of(failure)) is Failed


def test_an_error_of_the_store_says_what_its_cause_means() -> None:
    error = StoreError("/data/store.sqlite: the disk is full; make room and try again")
    error.__cause__ = OSError(28, "No space left on device")

    assert failure_of(error) == Failure("failed", str(error))


def test_where_an_error_first_failed_is_kept() -> None:
    assert failure_of(Denied("no", where="mads.turing"), where="mads.scribe").where == "mads.turing"


def test_an_unknown_code_is_a_failure() -> None:
    assert type(error_of(Failure("from the future", "no"))) is Failed


def test_the_cause_that_was_named_travels_and_the_one_that_was_hidden_does_not() -> None:
    behind = KeyError("shelf")
    named, met, hidden = Overloaded("full"), Overloaded("full"), Overloaded("full")
    named.__cause__ = met.__context__ = hidden.__context__ = behind
    hidden.__suppress_context__ = True

    told = Failure("failed", "KeyError: 'shelf'")
    assert [failure_of(error).cause for error in (named, met, hidden)] == [told, told, None]


def test_a_long_chain_of_causes_is_cut() -> None:
    error: BaseException = ValueError("0")
    for number in range(1, 100):
        error, before = ValueError(str(number)), error
        error.__cause__ = before

    failure: Failure | None = failure_of(error)
    length = 0
    while failure is not None:
        failure, length = failure.cause, length + 1
    assert length == CAUSES


def test_a_chain_of_causes_that_came_from_outside_is_bounded() -> None:
    failure = Failure("failed", "no")
    for _ in range(codec.MAX_DEPTH):
        failure = Failure("failed", "no", cause=failure)

    with pytest.raises(InvalidMessage, match="nested"):
        codec.decode(codec.encode(failure), Failure)


def test_the_tree_of_errors_stands_as_it_is_drawn() -> None:
    assert issubclass(CallError, MadsError)
    assert issubclass(Lost, Failed)
