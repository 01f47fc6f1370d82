"""MADs that spend: one asks a model, one has others ask it many times over."""

from __future__ import annotations

import asyncio
import os
import signal

from mads import Amount, CallError, Ledger, Think, mad, tool
from mads.wire.model import Usage


@mad
class Agent:
    """You ask a model whatever you are asked."""

    think: Think

    @tool
    async def ask(self, text: str) -> str:
        """Return what a model says."""
        return await self.think("What do you say?", text)

    @tool
    async def ask_for(self, text: str, asked_worth: float) -> str:
        """Return what a model says that costs no more than that."""
        return await self.think("What do you say?", text, worth=asked_worth)


@mad
class Lead:
    """You let your agent ask, far too often."""

    agent: Agent

    @tool
    async def run(self, times: int) -> list[str]:
        """Return what became of each: "ok", or the rule that did not let it."""

        async def once(number: int) -> str:
            try:
                await self.agent.ask(f"{number}: " + "word " * 20)
            except CallError as error:
                return f"{error}"
            return "ok"

        return list(await asyncio.gather(*(once(number) for number in range(times))))


@mad
class Spender:
    """You write down what you are told to."""

    ledger: Ledger

    @tool
    async def crash(self) -> None:
        """Reserve a call, and come to a sudden end."""
        await self.ledger.reserve("ink", Amount(micro_usd=9))
        os.kill(os.getpid(), signal.SIGKILL)

    @tool
    async def spend(self, what: str, within_s: str, tokens: int) -> None:
        """Reserve a call and spend so many tokens with it."""
        reservation = await self.ledger.reserve(what, Amount(), within=float(within_s))
        await self.ledger.commit(reservation, Amount(usage=Usage(tokens)))
