"""Everything that would fail at start is found before it, all at once, with the line to write.

Covers loading and the filling of fields. Does not cover mistakes within methods: tests/author does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mads.host.config import Config, MadConfig
from mads.host.survey import Survey, survey
from mads.wire.errors import ConfigError

COVERS = ("R-021", "R-024")

HEAD = "from __future__ import annotations\nfrom mads import *\nfrom mads import message, mad, tool, provides\n"
Surveyed = Callable[..., Survey]


@pytest.fixture
def surveyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Surveyed:
    """Survey MADs (name = class, or a configuration) of a module with the given text."""
    module = f"written_{abs(hash(request.node.nodeid)):x}"
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def read(text: str, *, is_whole: bool = True, **mads: Any) -> Survey:
        (tmp_path / f"{module}.py").write_text(HEAD + text)
        configs = {
            name: MadConfig(f"{module}:{mad}") if isinstance(mad, str) else MadConfig(f"{module}:{mad[0]}", set=mad[1])
            for name, mad in mads.items()
        }
        return survey(Config(mads=configs, root=str(tmp_path)), is_whole=is_whole)

    return read


ONE = "@mad\nclass One:\n    '''One.'''\n"
CIRCLE = """
@provides
def x(y: Y) -> X: ...
@provides
def y(x: X) -> Y: ...
class X:
    def __init__(self, q): ...
class Y(X): ...
@mad
class A:
    x: X
"""
TWO = "@mad\nclass Two:\n    '''Two.'''\n    one: One\n"


def test_a_field_of_a_mads_class_is_that_mad(surveyed: Surveyed) -> None:
    read = surveyed(ONE + TWO, two="Two", one="One")
    assert [filling.how for filling in read.fillings["two"]] == ["MAD one"]
    assert read.order() == ["one", "two"]


def test_two_mads_may_name_each_other(surveyed: Surveyed) -> None:
    text = "@mad\nclass A:\n    b: B\n@mad\nclass B:\n    a: A\n"
    assert sorted(surveyed(text, a="A", b="B").order()) == ["a", "b"]


def test_where_two_fit_the_field_name_or_a_setting_decides(surveyed: Surveyed) -> None:
    assert surveyed(ONE + TWO, two="Two", one="One", uno="One").fillings["two"][0].how == "MAD one"
    with pytest.raises(ConfigError, match=r'write `set = \{ one = "eins" \}` at two'):
        surveyed(ONE + TWO, two="Two", eins="One", uno="One")
    read = surveyed(ONE + TWO, two=("Two", {"one": "uno"}), eins="One", uno="One")
    assert read.fillings["two"][0].how == "MAD uno"


@pytest.mark.parametrize(
    ("text", "mads", "said"),
    [
        (ONE + TWO, {"two": "Two"}, r"write under \[mads\] in mads.toml: one = \"written_\w+:One\""),
        (ONE, {"one": "Once"}, r"did you mean written_\w+:One\?"),
        ("class One: pass", {"one": "One"}, "write @mad above `class One:`"),
        ("@mad\nclass A:\n    limit: int\n", {"a": "A"}, r"nothing fills `int`; .*set = \{ limit = … \}"),
        ("@mad\nclass A:\n    limit: int\n", {"a": ("A", {"limit": "x"})}, "Expected `int`, got `str`"),
        ("@mad\nclass A:\n    limit: int\n", {"a": ("A", {"limit": 1, "limt": 1})}, "has no field 'limt'"),
        ("@mad\nclass A:\n    kept: Kept[int]\n", {"a": "A"}, r"write `kept: Kept\[T\]`"),
        ("@mad\nclass A:\n    b: Nowhere\n", {"a": "A"}, "Nowhere"),
        ("import absent_module\n", {"a": "A"}, "imports 'absent_module', which is not installed"),
        ("1 / 0\n", {"a": "A"}, "ZeroDivisionError"),
        (CIRCLE, {"a": "A"}, "runs in a circle: x → y → x"),
    ],
)
def test_what_cannot_be_filled_says_the_line_to_write(
    surveyed: Surveyed, text: str, mads: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        surveyed(text, **mads)


def test_all_mistakes_come_at_once(surveyed: Surveyed) -> None:
    text = "@mad\nclass A:\n    x: int\n    y: str\n@mad\nclass B:\n    @tool\n    def f(self): ...\n"
    with pytest.raises(ConfigError) as caught:
        surveyed(text, a="A", b="B", c="C")
    assert len(str(caught.value).splitlines()) == 4


def test_a_mistake_in_a_declaration_does_not_hide_those_in_its_methods(surveyed: Surveyed) -> None:
    fields = "@mad\nclass A:\n    log: Log\n    x: Absent\n"
    text = f"{fields}    @tool\n    async def f(self) -> None:\n        self.lgo\n        self.log\n"
    with pytest.raises(ConfigError) as caught:
        surveyed(text, a="A")
    assert [word for word in ("'Absent'", "write `self.log`") if word not in str(caught.value)] == []
    assert len(str(caught.value).splitlines()) == 2


def test_a_mad_that_the_configuration_could_not_give_is_not_missed(surveyed: Surveyed) -> None:
    text = ONE + TWO + "    limit: int\n"
    with pytest.raises(ConfigError, match=r"\A[^\n]*nothing fills `int`[^\n]*\Z"):
        surveyed(text, is_whole=False, two="Two")
