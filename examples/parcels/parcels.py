"""A MAD that asks a carrier where a parcel is, with a key that it never sees."""

from mads import Egress, Failed, Secrets, mad, message, tool


@message
class Parcel:
    """Where a parcel is."""

    number: str
    place: str


@mad
class Parcels:
    """You know where parcels are."""

    egress: Egress
    secrets: Secrets
    carrier: str = "https://api.carrier.example/v1"

    @tool(read_only=True)
    async def where(self, number: str) -> Parcel:
        """Return where a parcel is."""
        key = await self.secrets("carrier/key")
        answer = await self.egress.request(
            "GET", f"{self.carrier}/parcels/{number}", headers={"Authorization": key.shaped("Bearer {}")}, timeout=5
        )
        if answer.status != 200:
            raise Failed(f"the carrier answers with {answer.status}")
        return answer.json(Parcel)
