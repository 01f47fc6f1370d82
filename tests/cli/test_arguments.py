"""What is typed on the command line becomes what the schema says it is."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mads import message
from mads.cli.arguments import Parameters
from mads.wire.errors import UsageError

COVERS = ("R-022",)


@message
class Place:
    """Where something is."""

    city: str
    floor: int = 0


INTEGERS = st.integers(-(2**63), 2**63 - 1)

TYPED: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (str, st.text()),
    (str | None, st.text()),
    (int, INTEGERS),
    (float, st.floats(allow_nan=False, allow_infinity=False) | INTEGERS),
    (bool, st.booleans()),
    (bool | None, st.booleans() | st.none()),
    (Literal["left", "right"], st.sampled_from(["left", "right"])),
    (list[int], st.lists(INTEGERS)),
    (dict[str, str], st.dictionaries(st.text(), st.text())),
    (Place, st.fixed_dictionaries({"city": st.text(), "floor": INTEGERS})),
    (list[Place] | None, st.lists(st.fixed_dictionaries({"city": st.text()})) | st.none()),
]


def takes(**types: Any) -> Parameters:
    """Return the parameters of a tool with these arguments; a tuple of type and default may be left out."""
    fields: list[Any] = [(name, *it) if isinstance(it, tuple) else (name, it) for name, it in types.items()]
    params = msgspec.defstruct("Drop", fields, kw_only=True, forbid_unknown_fields=True)
    return Parameters("tree.drop", msgspec.json.schema(params))


def spelled(value: Any) -> str:
    """Return what a person types for `value`."""
    if isinstance(value, str):
        return f"@{value}" if value.startswith("@") else value
    return msgspec.json.encode(value).decode()


@given(st.sampled_from(TYPED).flatmap(lambda typed: st.tuples(st.just(typed[0]), typed[1])))
def test_every_value_survives_being_typed(typed: tuple[Any, Any]) -> None:
    type_, value = typed
    assume(value != "-")

    given_ = takes(it=type_).parse([f"it={spelled(value)}"])

    assert given_ == {"it": value}
    assert type(given_["it"]) is type(value)


@given(st.dictionaries(st.sampled_from(["text", "size"]), st.text() | INTEGERS))
def test_a_lone_json_object_gives_all_arguments_as_they_are(arguments: dict[str, Any]) -> None:
    assert takes(text=(str, ""), size=(int, 0)).parse([msgspec.json.encode(arguments).decode()]) == arguments


@given(st.text(st.characters(codec="utf-8")))
def test_whatever_is_typed_for_a_number_is_a_number_or_refused(text: str) -> None:
    assume(text[:1] not in ("@", "-"))
    try:
        given_ = takes(size=int).parse([f"size={text}"])
    except UsageError as error:
        assert "size= wants INTEGER" in str(error)
    else:
        assert type(given_["size"]) is int


def test_a_string_stays_a_string_whatever_it_looks_like() -> None:
    words = ["a=5", "b=true", "c=null", 'd={"x": 1}', "e=", "f=x=y"]

    given_ = takes(a=str, b=str, c=str, d=str, e=str, f=str).parse(words)

    assert given_ == {"a": "5", "b": "true", "c": "null", "d": '{"x": 1}', "e": "", "f": "x=y"}


def test_where_a_number_or_a_string_will_do_json_decides() -> None:
    parameters = takes(it=int | str)

    assert parameters.parse(["it=5"]) == {"it": 5}
    assert parameters.parse(['it="5"']) == {"it": "5"}
    assert parameters.parse(["it=five"]) == {"it": "five"}


def test_a_file_and_standard_input_can_be_a_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "minutes.txt").write_text("Ana: Friday.\n", encoding="utf-8")
    (tmp_path / "size.json").write_text("3\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("from the pipe"))

    given_ = takes(text=str, size=int, more=str, who=str).parse(
        ["text=@minutes.txt", "size=@size.json", "more=-", "who=@@ana"]
    )

    assert given_ == {"text": "Ana: Friday.\n", "size": 3, "more": "from the pipe", "who": "@ana"}


@pytest.mark.parametrize("lone", ["@all.json", "-"])
def test_a_lone_file_or_standard_input_gives_all_arguments(
    lone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = '{"text": "a=b", "size": 3}'
    (tmp_path / "all.json").write_text(document, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO(document))

    assert takes(text=str, size=int).parse([lone]) == {"text": "a=b", "size": 3}


def test_every_mistake_is_told_at_once_with_what_the_tool_takes() -> None:
    parameters = takes(text=str, size=int, side=(Literal["left", "right"], "left"), place=(Place | None, None))

    with pytest.raises(UsageError) as caught:
        parameters.parse(["size=big", "sise=3", "size=4", "text", "file=@/no/such/file"])

    assert str(caught.value).splitlines() == [
        "size= wants INTEGER, not 'big'",
        "size= is given twice",
        "write text=…",
        "@/no/such/file: [Errno 2] No such file or directory: '/no/such/file'; write @@ for a text that starts with @",
        "tree.drop has no argument 'sise'; did you mean size=…?",
        "tree.drop has no argument 'file'",
        "tree.drop takes text=STRING size=INTEGER [side=left|right] [place=OBJECT]",
    ]


@pytest.mark.parametrize("words", [["[1]"], ["loose"], ["{"], ["@/no/such/file"]])
def test_a_lone_word_that_is_no_object_is_refused(words: list[str]) -> None:
    with pytest.raises(UsageError, match="is no JSON object"):
        takes(text=(str, "")).parse(words)


def test_a_name_without_its_value_is_told_how_to_get_one() -> None:
    with pytest.raises(UsageError, match=r"^write query=…\ntree\.drop takes query=STRING$"):
        takes(query=str).parse(["query"])


@pytest.mark.parametrize("type_", [bytes, bytes | None])
def test_a_file_is_taken_byte_by_byte_for_an_argument_of_bytes(type_: Any, tmp_path: Path) -> None:
    file = tmp_path / "file.bin"
    file.write_bytes(content := bytes(range(256)))

    given_ = takes(data=type_).parse([f"data=@{file}"])

    assert base64.b64decode(given_["data"]) == content
    assert takes(data=type_).parse(["data=AAEC"]) == {"data": "AAEC"}


def test_a_file_that_is_no_text_is_told_where_a_text_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_bytes(b"ab\xff")

    with pytest.raises(UsageError, match=r"file\.bin is no text in UTF-8: invalid start byte at byte 2\n"):
        takes(text=str).parse([f"text=@{tmp_path / 'file.bin'}"])


def test_a_tool_without_arguments_says_so() -> None:
    with pytest.raises(UsageError, match=r"tree\.drop takes nothing"):
        takes().parse(["text=x"])
