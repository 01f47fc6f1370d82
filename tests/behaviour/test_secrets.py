"""A secret is written by the operator, granted to a MAD, and handed to it as a handle; it is shown to no MAD.

Covers the need and the tools of Turing, and what a request that used one leaves behind, wherever the MAD runs. Does not
cover what resolves a handle.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hunt.memory import memory

from mads import CallError, Denied
from mads.host.config import MadConfig
from mads.host.paths import data_folder
from mads.store.record.port import Query
from mads.testing.placed import Placed
from mads.wire.record import Entry
from tests.behaviour.conftest import Troupe
from tests.behaviour.test_record import body
from tests.egress.outside import outside, saying

COVERS = ("R-051", "R-091", "R-092", "R-093", "R-094")

COURIER = {"courier": "tests.behaviour.courier:Courier", "core": {"turing": "mads.duos.turing:Turing"}}
WORD = "canary-8f14e45fceea167a"


async def write(it: Placed, path: str = "github/token", hosts: Sequence[str] = ("api.github.com",)) -> None:
    """Write a secret and grant it to the courier."""
    said: dict[str, Any] = {"path": path, "value": WORD, "hosts": list(hosts)}
    await it.call("turing.set_secret", principal="operator", **said)
    await it.call("turing.grant_secret", principal="operator", mad="courier", pattern=path)


async def test_a_mad_gets_a_handle_of_what_it_was_granted(troupe: Troupe) -> None:
    async with troupe(**COURIER) as it:
        await write(it)
        handle = {"path": "github/token", "version": None, "shape": "{}", "lease": None}
        assert await it.call("courier.fetch", path="github/token") == handle
        assert await it.call("courier.ask", path="github/token") == handle
        assert await it.call("turing.get_secret", path="github/token") == handle


async def test_a_mad_gets_no_handle_of_anything_else(troupe: Troupe) -> None:
    async with troupe(**COURIER) as it:
        await write(it)
        await it.call("turing.set_secret", principal="operator", path="other", value=WORD)
        for tool in ("courier.fetch", "courier.ask"):
            with pytest.raises(CallError, match="mads secret grant courier other"):
                await it.call(tool, path="other")
            with pytest.raises(CallError, match="mads secret grant courier none"):
                await it.call(tool, path="none")


async def test_a_mad_is_shown_nothing_and_grants_nothing_on_behalf_of_whomever(troupe: Troupe) -> None:
    async with troupe(**COURIER) as it:
        await write(it)
        for principal in ("operator", "tester"):
            with pytest.raises(CallError, match="a secret may not be shown for a MAD, and courier is one"):
                await it.call("courier.pry", principal=principal, path="github/token")
            with pytest.raises(CallError, match="only the operator may grant secrets"):
                await it.call("courier.forge", principal=principal, mad="courier")


async def test_what_was_wanted_is_in_the_audit_before_the_answer(troupe: Troupe) -> None:
    async with troupe(**COURIER) as it:
        await write(it)
        await it.call("courier.fetch", path="github/token")
        with pytest.raises(CallError):
            await it.call("courier.fetch", path="other")
        rows = await it.call("steward.audit_list", principal="operator", which={})
        told = [(row["subject"], row["allowed"], row["chain"]) for row in rows if row["kind"] == "secret"]
        assert told == [
            ("secret:github/token", True, ""),
            ("secret:secrets", True, ""),
            ("secret:github/token", True, "courier"),
            ("secret:other", False, "courier"),
        ]
        assert (await it.call("steward.audit_verify", principal="operator"))["wrong"] == []


async def test_a_secret_is_opened_within_the_request_that_uses_it_and_its_caller_never_holds_it(troupe: Troupe) -> None:
    async with outside(saying(b"hello")) as api:
        courier = MadConfig("tests.behaviour.courier:Courier", may=(api.may,))
        async with troupe(**{**COURIER, "courier": courier}) as it:
            await write(it, hosts=[f"127.0.0.1:{api.port}"])
            assert await recorded(it, "egress.decrypt") == []
            assert await it.call("courier.deliver", url=api.url(), path="github/token") == "hello"
            assert WORD.encode() in api.asked[0]
            [decrypted] = await recorded(it, "egress.decrypt")
            used = {"path": "github/token", "host": f"127.0.0.1:{api.port}"}
            assert await body(it, decrypted.asked) == used
            tree = await it.system.traces.tree(decrypted.trace)
            assert [(hop.depth, hop.call) for hop in tree.hops] == [
                (0, "courier.deliver"),
                (1, "egress.request"),
                (2, "egress.decrypt"),
            ]
            [pid] = [mad.pid for mad in await it.system.status() if mad.mad == "courier"]
            if pid != os.getpid():  # here it lies in the process that it is put in
                held = await asyncio.to_thread(memory, pid)
                assert (b"github/token" in held, WORD.encode() in held) == (True, False)


async def recorded(it: Placed, subject: str) -> list[Entry]:
    """Return what is on record of `subject`."""
    await it.system.observer.recorder.flush()
    return [entry for entry in await it.system.record.entries(Query()) if entry.subject == subject]


async def test_a_person_is_shown_a_secret_and_the_record_is_not(troupe: Troupe) -> None:
    async with troupe(**COURIER) as it:
        await write(it)
        shown = await it.call("turing.reveal_secret", principal="operator", path="github/token")
        assert shown == {"path": "github/token", "value": WORD, "encoding": "utf-8"}
        with pytest.raises(Denied):
            await it.call("turing.reveal_secret", principal="anonymous", path="github/token")
        await it.system.observer.recorder.flush()
        files = [path for path in data_folder(Path(it.system.config.root)).rglob("*") if path.is_file()]
        assert any(path.name.startswith("store.sqlite") for path in files)
        assert [path for path in files if WORD.encode() in path.read_bytes()] == []


async def test_a_token_opens_a_secret_once(troupe: Troupe) -> None:
    async with troupe(**COURIER) as it:
        await write(it)
        token = (await it.call("turing.wrap_secret", principal="operator", path="github/token"))["token"]

        async def unwrap() -> Any:
            return await it.call("turing.unwrap_secret", principal="operator", token=token)

        done = await asyncio.gather(*(unwrap() for _ in range(4)), return_exceptions=True)
        assert sum(isinstance(one, Denied) for one in done) == 3
        assert {"path": "github/token", "value": WORD, "encoding": "utf-8"} in done


async def test_a_secret_is_replaced_and_listed_and_forgotten(troupe: Troupe) -> None:
    async with troupe(**COURIER) as it:
        await write(it)
        replaced = await it.call("turing.rotate_secret", principal="operator", path="github/token")
        assert (replaced["version"], replaced["hosts"]) == (2, ["api.github.com"])
        async with asyncio.timeout(5):
            while not (heard := await recorded(it, "event.turing.SecretRotated.v1")):
                await asyncio.sleep(0.01)
        assert await body(it, heard[0].asked) == {"path": "github/token", "version": 2, "grace": 300.0}
        old: dict[str, Any] = {"path": "github/token", "version": 1}
        assert (await it.call("turing.reveal_secret", principal="operator", **old))["value"] == WORD
        assert await it.call("turing.list_secrets") == [replaced]
        await it.call("turing.delete_secret", principal="operator", path="github/token")
        assert await it.call("turing.list_secrets") == []
        with pytest.raises(CallError, match="there is no secret"):
            await it.call("courier.fetch", path="github/token")


async def test_a_tenant_s_secret_is_another_s_no_more_than_if_it_were_not(troupe: Troupe) -> None:
    async with troupe(**COURIER) as it:
        await it.call("turing.set_secret", principal="operator", path="github/token", value=WORD, tenant="globex")
        await it.call("turing.grant_secret", principal="operator", mad="courier", pattern="*")
        assert await it.call("turing.list_secrets") == []
        with pytest.raises(Denied):
            await it.call("turing.reveal_secret", path="github/token", tenant="globex")
        with pytest.raises(CallError, match="there is no secret"):
            await it.call("courier.fetch", path="github/token")
