"""Envelopes, versions and keys: what is put in comes out for whom it is meant, and for nobody else.

Covers seal and safe over stores in memory. Does not cover the stores: tests/conformance does.
"""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mads.secrets.root import ReadRoot
from mads.secrets.safe import About, Safe
from mads.secrets.seal import SEALED, Terms
from mads.store.database import Database
from mads.store.secrets.sqlite import SqliteSecrets
from mads.store.sqlite import Connection
from mads.wire.errors import ConfigError, Denied, InvalidMessage, StoreError
from tests.secrets.safehouse import QUICK, HeldSource, Safehouse

COVERS = ("R-091", "R-093", "R-095", "R-096")

PATH = ("acme", "github/token")
PLAIN = About(hosts=("api.github.com",))


@given(st.binary(min_size=1, max_size=300))
def test_what_is_put_in_comes_out_and_is_nowhere_to_be_seen(value: bytes) -> None:
    async def check() -> None:
        it = Safehouse()
        await it.opened()
        envelope = await it.safe.put(*PATH, value, PLAIN)
        assert bytes(await it.safe.opened(envelope)) == value
        if len(value) > 8:
            assert value not in envelope.body + envelope.wrapped

    asyncio.run(check())


@pytest.mark.parametrize("what", ["body", "wrapped"])
async def test_a_changed_byte_is_an_error_that_says_so(what: str) -> None:
    it = Safehouse()
    await it.opened()
    await it.safe.put(*PATH, b"s3cret", PLAIN)
    (key, envelope), *_ = it.store.rows.items()
    for at in range(len(getattr(envelope, what))):
        bytes_ = bytearray(getattr(envelope, what))
        bytes_[at] ^= 1
        it.store.rows[key] = replace(envelope, **{what: bytes(bytes_)})
        await it.opened()
        with pytest.raises(StoreError, match="was changed on disk"):
            await it.safe.opened(await it.safe.find(*PATH))


@pytest.mark.parametrize(
    "change", [{"tenant": "globex"}, {"path": "another"}, {"version": 2}, {"hosts": ("evil.org",)}, {"expires": None}]
)
async def test_an_envelope_opens_only_for_what_it_was_sealed_for(change: dict[str, object]) -> None:
    it = Safehouse()
    await it.opened()
    envelope = await it.safe.put(*PATH, b"s3cret", About(hosts=("a.org",), expires=it.now + 5))
    with pytest.raises(StoreError, match="was changed on disk"):
        await it.safe.opened(replace(envelope, **change))


async def test_versions_count_and_compare_before_they_set() -> None:
    it = Safehouse()
    await it.opened()
    assert (await it.safe.put(*PATH, b"1", PLAIN, expect=0)).version == 1
    with pytest.raises(InvalidMessage, match="was to be at version 0, and its newest version is 1"):
        await it.safe.put(*PATH, b"2", PLAIN, expect=0)
    assert (await it.safe.put(*PATH, b"2", PLAIN, expect=1)).version == 2
    await it.safe.drop(*PATH)
    with pytest.raises(InvalidMessage, match="there is no secret"):
        await it.safe.find(*PATH)
    assert (await it.safe.put(*PATH, b"3", PLAIN, expect=0)).version == 3


async def test_of_those_who_compare_and_set_at_once_one_does() -> None:
    it = Safehouse()
    await it.opened()
    done = await asyncio.gather(
        *(it.safe.put(*PATH, bytes([number]), PLAIN, expect=0) for number in range(8)), return_exceptions=True
    )
    assert sum(not isinstance(one, InvalidMessage) for one in done) == 1


async def test_the_version_before_is_good_for_its_grace_and_not_longer() -> None:
    it = Safehouse()
    await it.opened()
    await it.safe.put(*PATH, b"old", PLAIN)
    await it.safe.put(*PATH, b"new", PLAIN, grace=1000)
    assert bytes(await it.safe.opened(await it.safe.find(*PATH, 1))) == b"old"
    assert bytes(await it.safe.opened(await it.safe.find(*PATH))) == b"new"
    it.now += 1000
    with pytest.raises(InvalidMessage, match="its grace is over"):
        await it.safe.find(*PATH, 1)


async def test_a_secret_expires() -> None:
    it = Safehouse()
    await it.opened()
    await it.safe.put(*PATH, b"old", About(expires=it.now + 1000))
    await it.safe.find(*PATH)
    it.now += 1000
    with pytest.raises(InvalidMessage, match="mads secret rotate github/token"):
        await it.safe.find(*PATH)


async def test_what_is_taken_is_taken_once() -> None:
    it = Safehouse()
    await it.opened()
    await it.safe.put(*PATH, b"once", PLAIN)
    taken = await asyncio.gather(*(it.safe.take(*PATH) for _ in range(4)))
    assert sorted(taken, key=bool) == [None, None, None, bytearray(b"once")]


async def test_the_root_is_renewed_while_everybody_reads() -> None:
    it = Safehouse()
    await it.opened()
    for number in range(50):
        await it.safe.put("acme", f"p{number}", b"%d" % number, PLAIN)
    await it.safe.drop("acme", "p49")
    before = {envelope.wrapped for envelope in it.store.rows.values()}

    async def read() -> None:
        for number in range(49):
            envelope = await it.safe.find("acme", f"p{number}")
            await asyncio.sleep(0)
            assert bytes(await it.safe.opened(envelope)) == b"%d" % number

    _, count, _ = await asyncio.gather(read(), it.safe.renew(""), read())
    await read()

    assert count == 50
    assert {envelope.sealed for envelope in it.store.rows.values()} == {2}
    assert [key.id for key in await it.keys.keys()] == [2]
    assert before & {envelope.wrapped for envelope in it.store.rows.values()} <= {b""}
    await it.opened()
    await read()


async def test_of_those_who_renew_the_root_at_once_each_does() -> None:
    it = Safehouse()
    await it.opened()
    for number in range(9):
        await it.safe.put("acme", f"p{number}", b"%d" % number, PLAIN)

    assert await asyncio.gather(*(it.safe.renew("") for _ in range(4)), it.safe.settle()) == [9, 9, 9, 9, 0]

    assert [key.id for key in await it.keys.keys()] == [5]
    assert bytes(await it.safe.opened(await it.safe.find("acme", "p7"))) == b"7"


async def test_a_secret_that_was_changed_on_disk_keeps_no_other_from_a_new_root() -> None:
    it = Safehouse()
    await it.opened()
    await it.safe.put(*PATH, b"s3cret", PLAIN)
    await it.safe.put("acme", "whole", b"another", PLAIN)
    (key, envelope), *_ = it.store.rows.items()
    it.store.rows[key] = replace(envelope, hosts=("evil.org",))
    await it.seal.renew("")
    await it.opened()
    assert await it.safe.settle() == 2
    assert bytes(await it.safe.opened(await it.safe.find("acme", "whole"))) == b"another"
    with pytest.raises(StoreError, match="was changed on disk"):
        await it.safe.opened(await it.safe.find(*PATH))


def _damaged(hosts: str, connection: Connection) -> None:
    connection.execute("UPDATE secrets SET hosts = ? WHERE path = ?", (hosts, PATH[1])).fetchall()


async def test_hosts_that_were_damaged_on_disk_spoil_their_own_secret_alone(tmp_path: Path) -> None:
    it = Safehouse()
    await it.opened()
    database = await Database.open(tmp_path / "store.sqlite")
    safe = Safe(SqliteSecrets(database), it.seal, it.clock)
    await safe.put(*PATH, b"s3cret", PLAIN)
    await safe.put("acme", "whole", b"another", PLAIN)
    for hosts in ("[", "nothing", '{"a.org": 1}', '[1, "a.org"]', ""):
        await database.write(partial(_damaged, hosts))
        safe = Safe(SqliteSecrets(database), it.seal, it.clock)
        assert {found.path for found in await safe.listed()} == {PATH[1], "whole"}
        assert bytes(await safe.opened(await safe.find("acme", "whole"))) == b"another"
        with pytest.raises(StoreError, match="was changed on disk"):
            await safe.opened(await safe.find(*PATH))
    await database.close()


async def test_another_root_takes_over_while_everybody_reads() -> None:
    it = Safehouse(QUICK)
    await it.opened()
    await it.seal.unlock("correct horse battery")
    await it.safe.put(*PATH, b"s3cret", PLAIN)
    before, it.root = it.root, ReadRoot("another", HeldSource())

    async def read() -> None:
        for _ in range(50):
            envelope = await it.safe.find(*PATH)
            await asyncio.sleep(0)
            assert bytes(await it.safe.opened(envelope)) == b"s3cret"

    await asyncio.gather(read(), it.safe.renew("correct horse battery", it.root), read())
    await it.opened()
    await it.seal.unlock("correct horse battery")
    await read()
    it.root = before
    await it.opened()
    with pytest.raises(ConfigError, match="not the key under which the secrets lie"):
        await it.seal.unlock("correct horse battery")


async def test_a_root_that_does_not_unwrap_what_it_wrapped_is_not_taken() -> None:
    class Forgetful:
        async def wrap(self, key: bytes) -> bytes:
            return key

        async def unwrap(self, wrapped: bytes) -> bytes:
            raise ConfigError(f"{len(wrapped)} bytes, and no idea")

    it = Safehouse()
    await it.opened()
    await it.safe.put(*PATH, b"s3cret", PLAIN)
    with pytest.raises(ConfigError, match="no idea"):
        await it.safe.renew("", Forgetful())
    await it.opened()
    assert bytes(await it.safe.opened(await it.safe.find(*PATH))) == b"s3cret"
    assert await it.safe.renew("") == 1


async def test_a_renewal_that_was_cut_off_is_ended_by_the_next_start() -> None:
    it = Safehouse()
    await it.opened()
    await it.safe.put(*PATH, b"s3cret", PLAIN)
    await it.seal.renew("")
    await it.opened()
    assert await it.safe.settle() == 1
    assert bytes(await it.safe.opened(await it.safe.find(*PATH))) == b"s3cret"
    assert len(await it.keys.keys()) == 1


async def test_another_machine_opens_nothing() -> None:
    it = Safehouse()
    await it.opened()
    await it.safe.put(*PATH, b"s3cret", PLAIN)
    it.device = b"another machine" * 4
    with pytest.raises(Denied, match="bound = false"):
        await it.opened()


async def test_a_store_that_was_unbound_opens_elsewhere_and_is_bound_there() -> None:
    it = Safehouse()
    await it.opened()
    await it.safe.put(*PATH, b"s3cret", PLAIN)
    it.terms = Terms(bound=False)
    await it.opened()
    it.device, it.terms = b"another machine" * 4, Terms()
    await it.opened()
    assert bytes(await it.safe.opened(await it.safe.find(*PATH))) == b"s3cret"
    it.device = b"a third" * 4
    with pytest.raises(Denied):
        await it.opened()


async def test_another_root_opens_nothing() -> None:
    it = Safehouse()
    await it.opened()
    await it.safe.put(*PATH, b"s3cret", PLAIN)
    it.root = ReadRoot("env:OTHER", HeldSource())
    with pytest.raises(ConfigError, match="'env:OTHER'"):
        await it.opened()


async def test_what_is_sealed_opens_with_the_passphrase_alone() -> None:
    it = Safehouse(QUICK)
    await it.opened()
    with pytest.raises(Denied, match=SEALED):
        await it.safe.put(*PATH, b"s3cret", PLAIN)
    with pytest.raises(InvalidMessage, match="too short"):
        await it.seal.unlock("short")
    await it.seal.unlock("correct horse battery")
    await it.safe.put(*PATH, b"s3cret", PLAIN)

    await it.opened()
    assert it.seal.is_sealed
    with pytest.raises(Denied, match=SEALED):
        await it.safe.opened(await it.safe.find(*PATH))
    with pytest.raises(Denied, match="not the passphrase"):
        await it.seal.unlock("correct horse bakery")
    await it.seal.unlock("correct horse battery")
    assert bytes(await it.safe.opened(await it.safe.find(*PATH))) == b"s3cret"

    with pytest.raises(Denied, match="not the passphrase"):
        await it.safe.renew("another one that is long")
    assert await it.safe.renew("correct horse battery") == 1
    it.seal.lock()
    with pytest.raises(Denied, match=SEALED):
        await it.safe.opened(await it.safe.find(*PATH))


async def test_a_passphrase_is_added_and_taken_away() -> None:
    it = Safehouse()
    await it.opened()
    await it.safe.put(*PATH, b"s3cret", PLAIN)
    it.terms = QUICK
    await it.opened()
    assert (it.seal.is_sealed, it.seal.is_new) == (True, True)
    await it.seal.unlock("correct horse battery")
    it.terms = replace(QUICK, asks=False)
    await it.opened()
    assert (it.seal.is_sealed, it.seal.asks) == (True, True)
    await it.seal.unlock("correct horse battery")
    await it.opened()
    assert not it.seal.is_sealed
    assert bytes(await it.safe.opened(await it.safe.find(*PATH))) == b"s3cret"


async def test_a_secret_has_a_size() -> None:
    it = Safehouse()
    await it.opened()
    for value in (b"", b"x" * 65_537):
        with pytest.raises(InvalidMessage, match="1 to 65536 bytes"):
            await it.safe.put(*PATH, value, PLAIN)
