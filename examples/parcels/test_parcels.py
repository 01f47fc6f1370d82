import pytest

from mads import Answer, Failed, SecretRef
from mads.testing import granting, reaching
from parcels import Parcel, Parcels

URL = "https://api.carrier.example/v1/parcels/7"


async def test_the_carrier_is_asked_with_the_key_as_a_handle() -> None:
    outside = reaching({URL: '{"number": "7", "place": "Graz"}'})
    parcels = Parcels(egress=outside, secrets=granting("carrier/key"))

    assert await parcels.where("7") == Parcel("7", "Graz")
    assert outside.asked[0].headers == {"Authorization": SecretRef("carrier/key", shape="Bearer {}")}


async def test_an_answer_that_is_none_is_a_failure() -> None:
    parcels = Parcels(egress=reaching({URL: Answer(503, {}, URL)}), secrets=granting("carrier/key"))

    with pytest.raises(Failed, match="503"):
        await parcels.where("7")
