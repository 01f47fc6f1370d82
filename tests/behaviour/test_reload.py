"""One MAD gets new code while the system runs, under load, in both places.

Covers new code and new tools, code that does not load, kept values, timers, messages whose classes are new, instances
that are garbage. Does not cover a change of `mads.toml`, which takes a new start.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mads import InvalidMessage, Outdated, Reject
from mads.author.declare import is_mad
from mads.testing.placed import Placed, placed
from mads.wire.failure import root_of

COVERS = ("R-116",)

STOCK = """
from __future__ import annotations
from mads import Kept, every, mad, message, on, tool
from {about} import Item, unit

@message
class Sold:
    item: Item

@mad
class Stock:
    '''You keep things.'''
    kept: Kept[Item]
    beats: int = 0

    @tool
    async def put(self, item: Item) -> Item:
        await self.kept.add(item)
        assert type(item) is Item
        return item

    @tool
    async def version(self) -> str:
        return "one " + unit()

    @tool
    async def names(self) -> list[str]:
        return [item.name for item in await self.kept.where()]

    @tool
    async def weigh(self, grams: int) -> int:
        await self.kept.add(Item(str(grams)))
        return 0

    @on(Sold)
    async def sold(self, event: Sold) -> None:
        assert type(event) is Sold
        await self.kept.add(event.item)
"""
ITEMS = """
from __future__ import annotations
from mads import message

@message
class Item:
    name: str

def unit() -> str:
    return "piece"
"""
SHOP = """
from __future__ import annotations
from mads import Emit, Send, mad, tool
from {stock} import Sold, Stock
from {about} import Item

@mad
class Shop:
    '''You sell things.'''
    stock: Stock
    emit: Emit
    send: Send

    @tool
    async def buy(self, name: str) -> str:
        item = await self.stock.put(Item(name))
        assert type(item) is Item
        return item.name

    @tool
    async def sell(self, name: str) -> None:
        await self.emit(Sold(Item(name)))

    @tool
    async def version(self) -> str:
        return await self.stock.version()

    @tool
    async def weigh(self) -> int:
        return await self.stock.weigh(3)

    @tool
    async def order(self) -> None:
        await self.send(self.stock.weigh, 3)
"""
Shops = Callable[[], AbstractAsyncContextManager[Placed]]


@pytest.fixture
def stock(tmp_path: Path) -> Path:
    """Return the file of the MAD that is reloaded; each test has modules of its own."""
    return tmp_path / f"stock_{abs(hash(str(tmp_path))):x}.py"


@pytest.fixture
def shops(tmp_path: Path, placement: str, stock: Path, monkeypatch: pytest.MonkeyPatch) -> Shops:
    about = tmp_path / stock.name.replace("stock", "items")
    shop = tmp_path / stock.name.replace("stock", "shop")
    names = {"about": about.stem, "stock": stock.stem}
    about.write_text(ITEMS)
    stock.write_text(STOCK.format(**names))
    shop.write_text(SHOP.format(**names))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    @asynccontextmanager
    async def run() -> AsyncGenerator[Placed]:
        mads: dict[str, Any] = {"stock": f"{stock.stem}:Stock", "shop": f"{shop.stem}:Shop"}
        async with placed(tmp_path, placement, strict=False, **mads) as it:
            yield it

    return run


def rewrite(path: Path, old: str, new: str) -> None:
    """Replace some text of a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


async def test_new_code_serves_at_once_and_what_was_kept_stays(shops: Shops, stock: Path) -> None:
    async with shops() as it:
        assert await it.call("shop.buy", name="tea") == "tea"
        assert await it.call("shop.version") == "one piece"
        for word in ("two", "six"):  # of one length, within one second
            rewrite(stock, '"one ' if word == "two" else '"two ', f'"{word} ')
            await it.call("steward.reload", mad="stock")
            assert await it.call("shop.version") == f"{word} piece"
        assert await it.call("shop.buy", name="rum") == "rum"
        await it.call("shop.sell", name="gin")
        await until_named(it, ["tea", "rum", "gin"])


async def test_what_it_imports_of_the_project_is_loaded_anew_where_it_has_changed(shops: Shops, stock: Path) -> None:
    async with shops() as it:
        rewrite(stock.with_name(stock.name.replace("stock", "items")), "piece", "pound")
        await it.call("steward.reload", mad="stock")
        assert await it.call("shop.version") == "one pound"
        assert await it.call("shop.buy", name="tea") == "tea"
        await it.call("steward.reload", mad="shop")
        assert await it.call("shop.buy", name="rum") == "rum"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("class Stock:", "class Stock", "SyntaxError"),
        ("class Stock:", "class Stick:", "has no class 'Stock'"),
        ("beats: int = 0", "beats: Shelf", "Shelf"),
        ("'''You keep things.'''", "'''You.'''\n    def __post_init__(self): raise OSError('no shelf')", "no shelf"),
    ],
)
async def test_code_that_does_not_load_leaves_the_old_one(
    shops: Shops, stock: Path, old: str, new: str, why: str
) -> None:
    async with shops() as it:
        rewrite(stock, old, new)
        with pytest.raises(Reject, match=why):
            await it.call("steward.reload", mad="stock")
        assert await it.call("shop.version") == "one piece"
        assert await it.call("shop.buy", name="tea") == "tea"
        rewrite(stock, new, old)
        rewrite(stock, '"one ', '"two ')
        await it.call("steward.reload", mad="stock")
        assert await it.call("shop.version") == "two piece"


async def test_a_changed_contract_is_listed_and_old_callers_get_a_typed_error(shops: Shops, stock: Path) -> None:
    async with shops() as it:
        rewrite(stock, "async def version(self)", "async def edition(self)")
        rewrite(stock, "async def put(self, item: Item)", "async def put(self, item: Item, shelf: int)")
        await it.call("steward.reload", mad="stock")
        offered = {tool.tool for tool in it.system.tools() if tool.mad == "stock"}
        assert offered == {"edition", "put", "names", "weigh"}
        assert await it.call("stock.edition") == "one piece"
        given: dict[str, dict[str, Any]] = {"version": {}, "buy": {"name": "tea"}}
        for tool, why in {"version": "the tool is gone", "buy": "'shelf' is new and must be given"}.items():
            with pytest.raises(Exception, match=f"{why}; write: mads reload shop") as caught:
                await it.call(f"shop.{tool}", **given[tool])
            assert isinstance(caught.value.__cause__, Outdated)
            assert "stock was reloaded" in str(caught.value.__cause__)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"grams: int": "grams: int, shelf: int"}, "'shelf' is new and must be given"),
        ({"grams: int": "grams: str"}, "'grams' takes string, no longer integer"),
        ({"grams: int) -> int": "grams: int) -> str", "return 0": "return 'nothing'"}, "the result is string"),
        ({"async def weigh(": "async def scale("}, "the tool is gone"),
        ({"grams: int": "grams: int, shelf: int = 0"}, ""),
    ],
)
async def test_who_knows_a_mad_from_before_is_refused_where_that_lets_him_down_and_before_anything_is_done(
    shops: Shops, stock: Path, changes: dict[str, str], why: str
) -> None:
    async with shops() as it:
        for old, new in changes.items():
            rewrite(stock, old, new)
        await it.call("steward.reload", mad="stock")
        for tool in ("weigh", "order"):
            if why:
                with pytest.raises(Exception, match=why) as caught:
                    await it.call(f"shop.{tool}")
                assert isinstance(root_of(caught.value), Outdated)
            else:
                await it.call(f"shop.{tool}")
        await until_named(it, [] if why else ["3", "3"])
        for old, new in changes.items():
            rewrite(stock, new, old)
        await it.call("steward.reload", mad="stock")
        assert await it.call("shop.weigh") == 0


async def test_a_caller_that_has_read_the_new_code_is_outdated_no_more(
    shops: Shops, stock: Path, placement: str
) -> None:
    shop = stock.with_name(stock.name.replace("stock", "shop"))
    async with shops() as it:
        rewrite(stock, "put(self, item: Item)", "put(self, item: Item, shelf: int)")
        assert (await it.call("steward.reload", mad="stock"))["callers"] == ["shop"]
        rewrite(shop, "put(Item(name))", "put(Item(name), 3)")
        with pytest.raises(Exception, match="mads reload shop"):
            await it.call("shop.buy", name="tea")
        if placement == "process":  # it reads its code at each start
            await it.call("steward.restart", mad="shop")
            assert await it.call("shop.buy", name="tea") == "tea"
        await it.call("steward.reload", mad="shop")
        assert await it.call("shop.buy", name="rum") == "rum"
        with pytest.raises(InvalidMessage, match="shelf"):  # whoever asks what there is knows what there is
            await it.call("stock.put", item={"name": "gin"})


async def until_named(it: Placed, names: list[str]) -> None:
    """Wait until the stock keeps things of these names."""
    async with asyncio.timeout(5):
        while await it.call("stock.names") != names:
            await asyncio.sleep(0.02)


async def test_no_call_is_lost_while_code_changes_under_load(shops: Shops, stock: Path) -> None:
    async with shops() as it:
        before = {seen.mad: seen.uptime_s for seen in await it.system.status()}
        calls: list[asyncio.Task[Any]] = []

        async def load() -> None:
            while True:
                calls.append(asyncio.create_task(it.call("shop.buy", name="tea")))
                await asyncio.sleep(0.005)

        loading = asyncio.create_task(load())
        for number in range(3):
            rewrite(stock, '"one ' if number == 0 else f'"v{number - 1} ', f'"v{number} ')
            await it.call("steward.reload", mad="stock")
            assert await it.call("stock.version") == f"v{number} piece"
        loading.cancel()
        assert {*await asyncio.gather(*calls)} == {"tea"}
        after = {seen.mad: seen for seen in await it.system.status()}
        assert (await it.call("stock.names")).count("tea") == len(calls)
        assert all(after[mad].uptime_s >= before[mad] for mad in ("shop", "steward"))
        assert [after[mad].restarts for mad in ("shop", "stock")] == [0, 0]
        assert "red" not in {seen.health for seen in after.values()}


async def test_the_instance_of_the_old_code_is_garbage(shops: Shops, stock: Path, placement: str) -> None:
    async with shops() as it:
        of = (stock.stem, stock.stem.replace("stock", "shop"))
        mads = [thing for thing in gc.get_objects() if type(thing).__module__ in of and is_mad(type(thing))]
        olds = [weakref.ref(mad) for mad in mads]
        mads.clear()
        assert len(olds) == (2 if placement == "here" else 0)
        await it.call("shop.buy", name="tea")
        for mad in ("stock", "shop"):
            await it.call("steward.reload", mad=mad)
        await it.call("shop.buy", name="tea")
        async with asyncio.timeout(5):
            while any(old() is not None for old in olds):
                gc.collect()
                await asyncio.sleep(0.05)


QUIET = """
from mads import mad, prose, tool

@mad
class Quiet:
    @tool
    async def look(self) -> str:
        return "nothing"
"""
HEARING = """
    @prose
    async def answer(self, text: str) -> str:
        return "I hear"
"""


async def test_who_hears_prose_since_a_reload_is_mentioned_from_then_on(tmp_path: Path) -> None:
    file = tmp_path / "quiet_until.py"
    file.write_text(QUIET)
    async with placed(tmp_path, quiet="quiet_until:Quiet") as it:
        (note,) = (await it.call("steward.say", text="@quiet, are you there?"))["notes"]
        assert "hears no prose" in note
        file.write_text(QUIET + HEARING)
        await it.call("steward.reload", mad="quiet")
        (answer,) = (await it.call("steward.say", text="@quiet, are you there?"))["answers"]
        assert answer["text"] == "I hear"
