"""A critical event comes from its owner and fits its class, or nobody hears of it but as a security event.

Covers a constructor that checked nothing, bytes from a child process, an event by hand, and a MAD that says what is not
its own. Does not cover code in the core process that publishes round the gate.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mads import CallError, Denied, Failed, InvalidMessage, Limited, SecurityEvent
from mads.host.limits import LimitConfig
from mads.testing.placed import Placed, placed
from mads.wire import codec
from tests.behaviour.conftest import Troupe
from tests.behaviour.vault import Guard, Rumour, Thief, Vault, Watch

COVERS = ("R-027", "R-028", "R-039")

HERE = "tests.behaviour.vault"
MADS: dict[str, Any] = {name.lower(): f"{HERE}:{name}" for name in ("Vault", "Thief", "Watch", "Guard")}
ROTATED = f"{HERE}.Rotated.v2"


@contextmanager
def refusal(kind: type[CallError], why: str) -> Generator[None]:
    """Expect that an event is refused where it is emitted, for which its emitter then fails."""
    with pytest.raises(Failed, match=why) as failed:
        yield
    assert isinstance(failed.value.__cause__, kind)


async def letters(it: Placed) -> list[dict[str, Any]]:
    """Return the dead letters, oldest first."""
    found: list[dict[str, Any]] = (await it.call("steward.dead_list"))["letters"]
    return found


async def heard(it: Placed) -> list[str]:
    """Return what all hearers heard, once an event that anybody may emit has come after it."""
    await it.mad(Thief).whisper("end")
    return [*await _until_end(it.mad(Watch).heard), *await _until_end(it.mad(Guard).heard)]


async def _until_end(read: Callable[[], Awaitable[list[str]]]) -> list[str]:
    while "end" not in (marks := await read()):
        continue
    return marks[: marks.index("end")]


async def test_what_the_owner_says_is_heard_by_all(troupe: Troupe) -> None:
    async with troupe(**MADS) as it:
        await it.mad(Vault).rotate("db")
        assert await heard(it) == ["db 2", "db"]


async def test_what_its_own_constructor_let_pass_is_refused_at_the_emitter(troupe: Troupe) -> None:
    async with troupe(**MADS) as it:
        for generation in ("2", None, 2.5, {"of": 2}):
            with refusal(InvalidMessage, r"Rotated\.v2 was refused, nobody hears of it: Expected `int`"):
                await it.mad(Vault).slip("db", generation)
        alarms = await it.mad(Watch).alarmed(4)
        assert {(it.kind, it.mad, it.subject) for it in alarms} == {("event_refused", "vault", f"event.{ROTATED}")}
        assert await heard(it) == []


MISFITS: list[tuple[str, Any, str]] = [
    (ROTATED, {"name": "db"}, "missing required field `generation`"),
    (ROTATED, {"name": "db", "generation": 2, "by": "me"}, "unknown field `by`"),
    (ROTATED, [1, 2], "Expected `object`"),
    (f"{HERE}.Rotated.v1", {"name": "db", "generation": 2}, "is no version that this system knows"),
    (f"{HERE}.Rotated.v3", {"name": "db", "generation": 2}, "is no version that this system knows"),
]


async def test_bytes_that_do_not_fit_are_refused(troupe: Troupe) -> None:
    async with troupe(**MADS) as it:
        for event, body, why in MISFITS:
            with refusal(InvalidMessage, why):
                await it.mad(Vault).smuggle(event, codec.encode(body))
        assert len(await it.mad(Watch).alarmed(len(MISFITS))) == len(MISFITS)
        assert await heard(it) == []


async def test_nobody_speaks_for_the_owner(troupe: Troupe) -> None:
    async with troupe(**MADS) as it:
        thief = it.mad(Thief)
        with refusal(Denied, "is critical: 'vault' may emit it, 'thief' may not"):
            await thief.pretend("db")
        with refusal(Denied, "'steward' may emit it"):
            await thief.announce("failed")
        assert await thief.ask("db") == "denied"
        alarms = await it.mad(Watch).alarmed(2)
        assert [(alarm.kind, alarm.mad, alarm.principal) for alarm in alarms] == [
            ("event_refused", "thief", "tester")
        ] * 2
        assert await heard(it) == []


async def test_what_is_refused_is_a_dead_letter_with_its_reason_and_its_body(troupe: Troupe) -> None:
    async with troupe(**MADS) as it:
        with refusal(InvalidMessage, "unknown field `by`"):
            await it.mad(Vault).smuggle(ROTATED, codec.encode({"name": "db", "generation": 2, "by": "me"}))
        with refusal(InvalidMessage, "Expected `object`"):
            await it.mad(Vault).smuggle(ROTATED, b"\xa2\xc3\x28")
        alarms = await it.mad(Watch).alarmed(2)
        strange, torn = await letters(it)
        assert [alarm.letter for alarm in alarms] == [strange["id"], torn["id"]]
        assert (strange["tool"], strange["sender"], strange["attempts"]) == (f"event.{ROTATED}", "vault", 0)
        assert "invalid: " in strange["why"]
        assert "unknown field `by`" in strange["why"]
        shown = await it.call("steward.dead_show", letter=strange["id"])
        assert (shown["body"], shown["principal"]) == ({"name": "db", "generation": 2, "by": "me"}, "tester")
        assert (await it.call("steward.dead_show", letter=torn["id"]))["body"] == "a2c328"
        with pytest.raises(InvalidMessage, match="unknown field `by`"):
            await it.call("steward.dead_retry", letter=strange["id"])
        for letter in (strange["id"], torn["id"]):
            await it.call("steward.dead_drop", letter=letter)
        assert await letters(it) == []
        assert await heard(it) == []


STRICT = """
from mads import Kept, mad, message, on, tool

@message(name="it.Rotated", critical=True, owner="vault")
class Rotated:
    name: str

@mad
class Vault:
    kept: Kept[Rotated]

    @on(Rotated)
    async def hear(self, event: Rotated) -> None:
        await self.kept.add(event)

    @tool
    async def heard(self) -> list[Rotated]:
        \"\"\"Return what was heard.\"\"\"
        return await self.kept.where()
"""


async def test_what_was_refused_is_published_once_it_fits(tmp_path: Path) -> None:
    (tmp_path / "vault_of_old.py").write_text(STRICT, encoding="utf-8")
    (tmp_path / "vault_of_now.py").write_text(
        STRICT.replace("    name: str\n", '    name: str\n    by: str = ""\n'), encoding="utf-8"
    )
    event = {"name": "db", "by": "ana"}
    async with placed(tmp_path, vault="vault_of_old:Vault") as it:
        with pytest.raises(InvalidMessage, match="unknown field `by`"):
            await it.call("steward.emit", principal="operator", event="Rotated", body=event)
        (letter,) = await letters(it)
        with pytest.raises(InvalidMessage, match="unknown field `by`"):
            await it.call("steward.dead_retry", letter=letter["id"])
    async with placed(tmp_path, vault="vault_of_now:Vault") as it:
        await it.call("steward.dead_retry", letter=letter["id"])
        assert await letters(it) == []
        while not (heard := await it.call("vault.heard")):
            continue
        assert heard == [event]


async def test_a_reload_changes_what_fits_and_keeps_what_does_not(tmp_path: Path) -> None:
    file = tmp_path / "vault_reloaded.py"
    file.write_text(STRICT, encoding="utf-8")
    event = {"name": "db", "by": "ana"}
    async with placed(tmp_path, vault="vault_reloaded:Vault") as it:
        with pytest.raises(InvalidMessage, match="unknown field `by`"):
            await it.call("steward.emit", principal="operator", event="Rotated", body=event)
        (letter,) = await letters(it)
        file.write_text(STRICT.replace("    name: str\n", '    name: str\n    by: str = ""\n'), encoding="utf-8")
        await it.call("steward.reload", mad="vault")
        await it.call("steward.dead_retry", letter=letter["id"])
        with pytest.raises(InvalidMessage, match="unknown field `why`"):
            await it.call("steward.emit", principal="operator", event="Rotated", body={**event, "why": "age"})
        assert [kept["why"].count("unknown field `why`") for kept in await letters(it)] == [1]
        while not (heard := await it.call("vault.heard")):
            continue
        assert heard == [event]


async def test_a_guard_that_says_no_raises_an_alarm(troupe: Troupe) -> None:
    async with troupe(**MADS) as it:
        with pytest.raises(Denied):
            await it.call("vault.burn", principal="anonymous")
        (alarm,) = await it.mad(Watch).alarmed(1)
        assert (alarm.kind, alarm.mad, alarm.principal) == ("call_denied", "", "anonymous")
        assert alarm.subject == "mads.vault.burn"
        assert alarm.why.startswith("access: ")


async def test_a_call_that_comes_too_often_is_no_attempt_at_anything(troupe: Troupe) -> None:
    rule = LimitConfig(tool="mads.vault.burn", each="principal", rate="1/h")
    async with troupe(**MADS, limits=(rule,)) as it:
        await it.call("vault.burn", principal="operator")
        with pytest.raises(Limited):
            await it.call("vault.burn", principal="operator")
        with pytest.raises(Denied):
            await it.call("vault.burn", principal="anonymous")
        (alarm,) = await it.mad(Watch).alarmed(1)
        assert alarm.principal == "anonymous"


async def test_an_event_by_hand_is_the_operators_alone_and_must_fit(troupe: Troupe) -> None:
    async with troupe(**MADS) as it:
        good = {"name": "db", "generation": 9}
        assert await it.call("steward.emit", principal="operator", event="Rotated", body=good) == 2
        with pytest.raises(Denied):
            await it.call("steward.emit", principal="anonymous", event="Rotated", body=good)
        for event, body in (("Rotated", {"name": "db"}), ("Rotated.v7", good)):
            with pytest.raises(InvalidMessage):
                await it.call("steward.emit", principal="operator", event=event, body=body)
        assert [alarm.kind for alarm in await it.mad(Watch).alarmed(3)] == ["event_refused"] * 3
        assert await heard(it) == ["db 9", "db"]


async def test_what_is_not_critical_is_anybodys(troupe: Troupe) -> None:
    async with troupe(**MADS) as it:
        await it.mad(Thief).whisper("hello")
        assert await heard(it) == ["hello", "hello"]
        assert await it.call("steward.emit", principal="anonymous", event=Rumour.__name__, body={"text": "psst"}) == 2


async def test_alarms_that_answer_alarms_come_to_an_end(troupe: Troupe) -> None:
    async with troupe(**MADS, echo=f"{HERE}:Echo") as it:
        with refusal(Denied, "'vault' may emit it"):
            await it.mad(Thief).pretend("db")
        alarms = await it.mad(Watch).alarmed(4)
        assert [alarm.mad for alarm in alarms] == ["thief", "echo", "echo", "echo"]
        assert await heard(it) == []
        assert len(await it.mad(Watch).alarmed(4)) == 4


async def test_a_critical_event_says_who_owns_it_and_who_hears_it(troupe: Troupe) -> None:
    async with troupe(**MADS) as it:
        events = {event["name"]: event for event in await it.call("steward.events")}
        assert {name for name, event in events.items() if event["critical"]} == {
            ROTATED,
            "mads.BreakerChanged.v1",
            "mads.CanaryChanged.v1",
            "mads.OffersChanged.v1",
            "mads.StateChanged.v1",
            "mads.SecurityEvent.v1",
        }
        rotated = events[ROTATED]
        assert (rotated["owner"], rotated["version"], rotated["heard_by"]) == ("vault", 2, ["watch", "guard"])
        assert events["mads.SecurityEvent.v1"]["schema"]["$defs"][SecurityEvent.__name__]["required"]
