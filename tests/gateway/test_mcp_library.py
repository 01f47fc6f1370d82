"""Resources, prompts, completions and content of a MAD, as an MCP client of either era sees them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp_types import (
    AudioContent,
    BlobResourceContents,
    EmbeddedResource,
    ImageContent,
    PromptReference,
    ResourceLink,
    ResourceTemplateReference,
    TextContent,
    TextResourceContents,
)

from mads.gateway.answer import FAILURE
from mads.gateway.surface import Surface
from mads.wire.errors import ConfigError
from tests.gateway.desk import tool
from tests.gateway.library import PIXEL
from tests.gateway.system import visited

COVERS = ("R-042",)

LIBRARY = {"library": "tests.gateway.library:Library"}
BASE64 = base64.b64encode(PIXEL).decode()


async def read(client: Client, uri: str) -> Any:
    (content,) = (await client.read_resource(uri)).contents
    return content


async def test_resources_stand_at_the_addresses_that_their_author_wrote(era: str, tmp_path: Path) -> None:
    async with visited(tmp_path, era, **LIBRARY) as client:
        fixed = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
    assert [(it.uri, it.name, it.mime_type) for it in fixed] == [
        ("library://crest", "library_crest", "image/png"),
        ("library://rules", "library_rules", None),
    ]
    assert (fixed[1].title, fixed[1].description) == ("The rules", "Return how to behave.")
    assert [it.uri_template for it in templates] == ["library://books/{shelf}/{number}", "library://file/{+path}"]


async def test_a_resource_is_read_as_text_as_a_blob_as_json_and_in_parts(era: str, tmp_path: Path) -> None:
    async with visited(tmp_path, era, **LIBRARY) as client:
        rules = await read(client, "library://rules")
        crest = await read(client, "library://crest")
        card = await read(client, "library://books/poems/2")
        parts = (await client.read_resource("library://file/a%20b/c.txt")).contents
    assert isinstance(rules, TextResourceContents)
    assert (rules.uri, rules.mime_type, rules.text) == ("library://rules", "text/plain", "Quiet, please.")
    assert isinstance(crest, BlobResourceContents)
    assert (crest.mime_type, crest.blob) == ("image/png", BASE64)
    assert (card.mime_type, card.text) == ("application/json", '{"title":"sonnet","year":1902}')
    assert [(it.uri, getattr(it, "text", None), getattr(it, "blob", None)) for it in parts] == [
        ("library://file/a b/c.txt", "a b/c.txt", None),
        ("library://crest", None, BASE64),
    ]


@pytest.mark.parametrize("uri", ["library://nothing", "library://books/poems", "no address", "library://" + "x" * 5000])
async def test_an_address_at_which_nothing_stands_is_a_protocol_error(era: str, uri: str, tmp_path: Path) -> None:
    async with visited(tmp_path, era, **LIBRARY) as client:
        with pytest.raises(MCPError, match="there is no resource at") as caught:
            await client.read_resource(uri)
    assert caught.value.code == {"legacy": -32002, "auto": -32602}[era]


@pytest.mark.parametrize(
    ("uri", "told"),
    [("library://books/poems/9", "there is no book 9 on 'poems'"), ("library://books/poems/two", "'number'")],
)
async def test_a_resource_that_cannot_be_had_says_why(era: str, uri: str, told: str, tmp_path: Path) -> None:
    async with visited(tmp_path, era, **LIBRARY) as client:
        with pytest.raises(MCPError, match=told) as caught:
            await client.read_resource(uri)
    assert caught.value.error.data[FAILURE]["request"]


async def test_prompts_say_what_they_ask_for_and_return_messages(era: str, tmp_path: Path) -> None:
    async with visited(tmp_path, era, **LIBRARY) as client:
        describe, recommend = (await client.list_prompts()).prompts
        spoken = await client.get_prompt("library_recommend", {"mood": "rainy", "length": "long"})
        shown = await client.get_prompt("library.describe", {"what": "doors"})
        with pytest.raises(MCPError, match="write 'mood'"):
            await client.get_prompt("library_recommend", {})
        with pytest.raises(MCPError, match="Unknown prompt"):
            await client.get_prompt("library_show", {})
    assert (describe.name, recommend.name, recommend.title) == ("library_describe", "library_recommend", "Recommend")
    assert [(it.name, it.required) for it in recommend.arguments or []] == [("mood", True), ("length", False)]
    (line,) = spoken.messages
    assert (line.role, line.content) == ("user", TextContent(text="Recommend something long for a rainy evening."))
    assert [it.role for it in shown.messages] == ["assistant", "user", "user"]
    assert [type(it.content) for it in shown.messages] == [TextContent, ImageContent, EmbeddedResource]


async def test_arguments_are_completed_by_what_is_known_of_the_others(era: str, tmp_path: Path) -> None:
    book = ResourceTemplateReference(uri="library://books/{shelf}/{number}")
    recommend = PromptReference(name="library_recommend")
    async with visited(tmp_path, era, **LIBRARY) as client:
        shelf = (await client.complete(book, {"name": "shelf", "value": "po"})).completion
        number = (await client.complete(book, {"name": "number", "value": "1"})).completion
        mood = {"name": "mood", "value": "qui"}
        short = (await client.complete(recommend, mood, {"length": "short", "else": "x"})).completion
        many = (await client.complete(recommend, mood)).completion
        with pytest.raises(MCPError, match="Unknown resource"):
            await client.complete(ResourceTemplateReference(uri="library://none"), mood)
    assert (shelf.values, number.values, short.values) == (["poems"], [], ["quiet", "quick"])
    assert (len(many.values), many.total, many.has_more) == (100, 150, True)


async def test_a_tool_returns_content_of_every_kind(era: str, tmp_path: Path) -> None:
    async with visited(tmp_path, era, **LIBRARY) as client:
        offers = {offer.name: offer for offer in (await client.list_tools()).tools}
        shown = await client.call_tool("library_show", {})
        picture = await client.call_tool("library_picture", {})
    assert {*offers} >= {"library_show", "library_picture"}
    assert {*offers}.isdisjoint({"library_rules", "library_recommend", "library_shelves"})
    assert offers["library_show"].output_schema is None
    kinds = [TextContent, ImageContent, AudioContent, EmbeddedResource, ResourceLink]
    assert [type(it) for it in shown.content] == kinds
    assert picture.content == [ImageContent(data=BASE64, mime_type="image/png")]
    assert picture.structured_content is None


def test_two_resources_at_one_address_are_refused_with_the_line_to_write() -> None:
    one = tool("a", "one", {"type": "object"}, kind="resource", uri="x://{it}")
    other = tool("b", "other", {"type": "object"}, kind="resource", uri="x://{that}")
    with pytest.raises(ConfigError, match=r'mads.a.one and mads.b.other .* @resource\("b\+x://{that}"\)'):
        Surface([one, other])
