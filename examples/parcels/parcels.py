"""A MAD that asks a carrier where a parcel is, with a key that it never sees, and pays what it sends."""

from mads import Amount, CallError, Denied, Egress, Failed, Ledger, Secrets, mad, message, tool

DEAREST = Amount(micro_usd=20_000_000)
"""The most that a parcel may cost: 20 USD."""


@message
class Parcel:
    """Where a parcel is."""

    number: str
    place: str


@message
class Sent:
    """A parcel on its way, and what the carrier took for it."""

    number: str
    cents: int


@mad
class Parcels:
    """You send parcels, and know where they are."""

    egress: Egress
    secrets: Secrets
    ledger: Ledger
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

    @tool
    async def send(self, to: str) -> Sent:
        """Send a parcel."""
        key = await self.secrets("carrier/key")
        reservation = await self.ledger.reserve("postage", DEAREST)
        try:
            answer = await self.egress.request(
                "POST", f"{self.carrier}/parcels", headers={"Authorization": key.shaped("Bearer {}")}, json={"to": to}
            )
        except Denied:
            await self.ledger.release(reservation)
            raise
        except CallError:
            await self.ledger.doubt(reservation)
            raise
        if answer.status != 201:
            await self.ledger.release(reservation)
            raise Failed(f"the carrier answers with {answer.status}")
        sent: Sent = answer.json(Sent)
        await self.ledger.commit(reservation, Amount(micro_usd=sent.cents * 10_000))
        return sent
