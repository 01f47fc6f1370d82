"""The MADs of the hunt: one that works with a secret as it should, and one that leaks a word as one should not."""

from __future__ import annotations

from mads import Egress, Log, SecretRef, Secrets, mad, tool


@mad
class Carrier:
    """You ask others in the name of the house, whose seal you never see."""

    secrets: Secrets
    egress: Egress
    log: Log

    @tool
    async def carry(self, url: str, path: str) -> str:
        """Send a request with the secret at `path`; return the answer, after having told it to everybody."""
        ref = await self.secrets(path)
        headers: dict[str, str | SecretRef] = {"Authorization": ref.shaped("Bearer {}")}
        answer = await self.egress.request("GET", f"{url}/api", headers=headers)
        self.log.info("carried", ref=repr(ref), answer=answer.text)
        prompt = {"prompt": f"{ref!r} brought {answer.text}"}
        await self.egress.request("POST", f"{url}/v1/chat/completions", json=prompt)
        return answer.text


@mad
class Leaky:
    """You cannot keep a thing to yourself: what you are told is found by whoever looks for it."""

    egress: Egress
    log: Log
    word: str = ""

    @tool
    async def tell(self, url: str, word: str) -> None:
        """Tell a word to everybody, and remember it."""
        self.word = word
        self.log.info("told", word=word)
        await self.egress.request("POST", f"{url}/v1/chat/completions", json={"prompt": word})
