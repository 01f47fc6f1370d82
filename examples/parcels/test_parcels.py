import pytest

from mads import Amount, Answer, CallError, Denied, Failed, Lost, SecretRef
from mads.testing import booking, granting, reaching
from parcels import DEAREST, Parcel, Parcels, Sent

PARCELS = "https://api.carrier.example/v1/parcels"
URL = f"{PARCELS}/7"


async def test_the_carrier_is_asked_with_the_key_as_a_handle() -> None:
    outside = reaching({URL: '{"number": "7", "place": "Graz"}'})
    parcels = Parcels(egress=outside, secrets=granting("carrier/key"), ledger=booking())

    assert await parcels.where("7") == Parcel("7", "Graz")
    assert outside.asked[0].headers == {"Authorization": SecretRef("carrier/key", shape="Bearer {}")}


async def test_an_answer_that_is_none_is_a_failure() -> None:
    parcels = Parcels(egress=reaching({URL: Answer(503, {}, URL)}), secrets=granting("carrier/key"), ledger=booking())

    with pytest.raises(Failed, match="503"):
        await parcels.where("7")


async def sent(answer: Answer | Exception) -> tuple[booking, Sent | Exception]:
    book = booking()
    parcels = Parcels(egress=reaching({PARCELS: answer}), secrets=granting("carrier/key"), ledger=book)
    try:
        return book, await parcels.send("Graz")
    except CallError as error:
        return book, error


async def test_what_a_parcel_costs_is_reserved_before_it_is_sent_and_then_what_it_came_to_is_spent() -> None:
    book, told = await sent(Answer(201, {}, PARCELS, b'{"number": "7", "cents": 495}'))

    assert told == Sent("7", 495)
    assert ([*book.spent.values()], book.reserved) == ([Amount(micro_usd=4_950_000)], {})


async def test_what_was_refused_costs_nothing_and_what_was_lost_counts_until_somebody_knows() -> None:
    for refused in (Answer(402, {}, PARCELS), Denied("may not be reached")):
        book, _ = await sent(refused)
        assert [*book.spent.values()] == [Amount(calls=0)]

    book, told = await sent(Lost("the line went dead"))
    assert isinstance(told, Lost)
    assert ([*book.reserved.values()], len(book.doubted)) == ([DEAREST], 1)
