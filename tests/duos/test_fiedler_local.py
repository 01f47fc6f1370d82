"""A model on this machine: a small one that comes in a package, in a process of its own, kept to forms by a grammar.

Covers what holds whatever the model says: forms, tools, streams, the end of its process, the digests of the shelf. Does
not cover whether what it says is wise: it has 135 million parameters.
"""

from __future__ import annotations

import os
import signal
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from mads.duos.fiedler.grammar import bounded, emulated, wished
from mads.duos.fiedler.local import Local
from mads.duos.fiedler.port import Answered, Trouble
from mads.duos.fiedler.shelf import added, listed, path_of, removed
from mads.wire.errors import ConfigError, UsageError
from mads.wire.model import ModelMessage, ModelRequest, ToolCall, ToolOffer

COVERS = ("R-083",)

WEIGHTS = Path(__file__).parents[2] / ".weights"
SAID = (ModelMessage("user", "The sea is wet. Look for what is known about it."),)
FIND = ToolOffer(
    "find",
    "Find notes about a subject.",
    {
        "type": "object",
        "properties": {"about": {"type": "string", "maxLength": 20}},
        "required": ["about"],
        "additionalProperties": False,
    },
)


def file(folder: Path, name: str = "tiny.gguf", body: bytes = b"GGUF and more") -> Path:
    """Return a file that looks like a model."""
    path = folder / name
    path.write_bytes(body)
    return path


def test_what_is_added_is_listed_with_its_digest_and_can_be_removed(tmp_path: Path) -> None:
    it = added(tmp_path / "shelf", str(file(tmp_path, "Tiny Model.gguf")))
    assert (it.name, it.sha256) == ("tiny-model", sha256(b"GGUF and more").hexdigest())
    assert listed(tmp_path / "shelf") == [it]
    assert path_of(tmp_path / "shelf", "tiny-model")[1] == it.sha256
    removed(tmp_path / "shelf", "tiny-model")
    assert listed(tmp_path / "shelf") == []
    assert not [*(tmp_path / "shelf").iterdir()]


def test_what_is_not_what_it_should_be_is_not_added_and_leaves_nothing(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    with pytest.raises(UsageError, match="not 00"):
        added(shelf, str(file(tmp_path)), digest="00")
    with pytest.raises(UsageError, match="no GGUF file"):
        added(shelf, str(file(tmp_path, body=b"PK and more")))
    with pytest.raises(UsageError, match="no file and no recipe"):
        added(shelf, "nothing")
    assert not [*shelf.iterdir()]


def test_a_file_that_has_changed_is_not_taken_off_the_shelf(tmp_path: Path) -> None:
    added(tmp_path, str(file(tmp_path)), name="tiny")
    file(tmp_path, body=b"GGUF and other")
    with pytest.raises(ConfigError, match="is not what was added"):
        path_of(tmp_path, "tiny")


def test_every_text_and_list_of_a_form_has_an_end() -> None:
    form = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "array", "items": {"type": "string"}}},
    }
    found = bounded(form)["properties"]
    assert found["a"]["maxLength"] == found["b"]["items"]["maxLength"] == 400
    assert found["b"]["maxItems"] == 8
    assert bounded({"enum": ["x"]}) == {"enum": ["x"]}


def test_a_wish_is_a_form_for_a_model_that_knows_no_tools() -> None:
    request = ModelRequest(SAID, tools=(FIND,))
    asked = emulated(request)
    assert asked.schema is not None
    assert (asked.tools, len(asked.schema["anyOf"])) == ((), 2)
    wish = wished(Answered('{"tool": "find", "arguments": {"about": "sea"}}'), request)
    assert wish.calls == (ToolCall("wish-1", "find", {"about": "sea"}),)
    assert wished(Answered('{"answer": "It is wet."}'), request).text == "It is wet."


@pytest.mark.slow
async def test_a_small_model_answers_in_the_form_that_it_was_asked_for_and_uses_tools(tmp_path: Path) -> None:
    added(tmp_path, "smollm2-135m", inside=[WEIGHTS])
    local = Local(tmp_path)
    form = {
        "type": "object",
        "properties": {"words": {"type": "array", "maxItems": 2, "items": {"type": "string", "maxLength": 8}}},
        "required": ["words"],
        "additionalProperties": False,
    }
    try:
        answer = await local.complete("smollm2-135m", ModelRequest(SAID, schema=form, temperature=0, max_tokens=80))
        assert msgspec.json.decode(answer.text).keys() == {"words"}
        assert answer.usage is not None
        assert answer.usage.output > 0
        told = await local.complete("smollm2-135m", ModelRequest(SAID, tools=(FIND,), temperature=0, max_tokens=120))
        assert told.calls == () or told.calls[0].arguments.keys() == {"about"}
        assert told.calls or told.text
        pieces = [item async for item in local.stream("smollm2-135m", ModelRequest(SAID, temperature=0, max_tokens=8))]
        assert isinstance(pieces[-1], Answered)
        assert "".join(piece for piece in pieces if isinstance(piece, str)) == pieces[-1].text
    finally:
        await local.close()


@pytest.mark.slow
async def test_what_is_too_long_for_a_model_or_no_whole_model_is_refused_in_words(tmp_path: Path) -> None:
    added(tmp_path, "smollm2-135m", inside=[WEIGHTS])
    whole = (tmp_path / "smollm2-135m.gguf").read_bytes()
    added(tmp_path, str(file(tmp_path, "torn.gguf", whole[:5_000_000])))
    local = Local(tmp_path)
    long = ModelRequest((ModelMessage("user", "word " * 9000),))
    try:
        for model, request, said in (
            ("smollm2-135m", long, "exceeds the available context size"),
            ("torn", ModelRequest(SAID), "could not be loaded"),
            ("gone", ModelRequest(SAID), "there is no model 'gone'"),
        ):
            with pytest.raises(Trouble, match=said) as trouble:
                await local.complete(model, request)
            assert trouble.value.outcome == "refused"
    finally:
        await local.close()


@pytest.mark.slow
async def test_a_model_whose_process_is_killed_is_lost_and_loaded_anew(tmp_path: Path) -> None:
    added(tmp_path, "smollm2-135m", inside=[WEIGHTS])
    local = Local(tmp_path)
    request = ModelRequest(SAID, temperature=0, max_tokens=400)
    try:
        stream = local.stream("smollm2-135m", request)
        await anext(stream)
        os.kill(local.pids()[0], signal.SIGKILL)
        with pytest.raises(Trouble) as trouble:
            async for _ in stream:
                pass
        assert trouble.value.outcome == "lost"
        assert (await local.complete("smollm2-135m", ModelRequest(SAID, max_tokens=2))).finish == "length"
    finally:
        await local.close()
