"""`mads.toml` is read strictly: every mistake is named at once, with its line and what to write.

Does not cover what the MADs themselves get wrong: tests/host/test_survey.py does.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads.host.config import FILE, Config, find_root, read_config, readable
from mads.wire.errors import ConfigError

COVERS = ("R-020", "R-024")


def written(root: Path, text: str) -> Path:
    (root / FILE).write_text(text, encoding="utf-8")
    return root


def test_a_string_is_the_short_form_of_a_table(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, '[mads]\na = "m:A"\nb = { use = "m:B", run = "process", at_once = 1 }'))
    assert (config.mads["a"].use, config.mads["a"].run) == ("m:A", "here")
    assert (config.mads["b"].run, config.mads["b"].at_once) == ("process", 1)
    assert config.root == str(tmp_path)


def test_the_control_plane_is_there_unless_somebody_replaces_it(tmp_path: Path) -> None:
    assert read_config(written(tmp_path, '[mads]\na = "m:A"')).mads["steward"].use == "mads.duos.steward:Steward"
    assert read_config(written(tmp_path, '[mads]\nsteward = "m:A"')).mads["steward"].use == "m:A"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("buss = 1\n[mads]\na='m:A'", "line 1: buss: unknown key; did you mean 'bus'?"),
        ('bus = "nats://x"\n[mads]\na="m:A"', "bus"),
        ("[mads]\na = 'm'", "line 2: [mads] a use: write \"module:Class\", not 'm'"),
        ("[mads]\na = { use = 'm:A', rum = 'here' }", "line 2: [mads] a rum: unknown key; did you mean 'run'?"),
        (
            "[mads]\na = { use = 'm:A', run = 'wasm' }",
            "line 2: [mads] a run: Invalid enum value 'wasm'; it is one of here, process",
        ),
        ("[gateway]\nport = 1\n[mads]\nport = { use = 'm:A', rum = 'x' }", "line 4: [mads] port rum: unknown key"),
        ("[mads.b]\nuse = 'm:B'\n[mads.a]\nuse = 'm:A'\nrun = 3\n", "line 5: [mads] a run: Expected `str`"),
        ("[mads.b]\nuse = 'm:B'\n[mads.a]\nrun = 'here'\n", "line 3: [mads] a: missing required field `use`"),
        ("[mads]\na = { run = 'here' }", "missing required field `use`"),
        ("[mads]\na = { use = 'm:A', at_once = 0 }", "[mads] a at_once: Expected `int` >= 1"),
        ("[mads]\na = { use = 'm:A', at_once = 1.5 }", "got `float`; it is a number, or one of auto"),
        ("[mads]\na = 3", "expected a table, got 3"),
        ("[mads]\n'A b' = 'm:A'", "a name has small letters"),
        ("[gateway]\nport = 70000\n[mads]\na='m:A'", "[gateway] port: Expected `int` <= 65535"),
        ("gateway = 3\n[mads]\na='m:A'", "[gateway]: expected a table"),
        ("[gateway.servers]\nx = 1\n[mads]\na='m:A'", "line 2: [gateway] servers x: expected a table, got 1"),
        ("gateway = { servers = 1 }\n[mads]\na='m:A'", "write [gateway.servers.NAME] and below it tools = "),
        ("[gateway.servers.'A b']\n[mads]\na='m:A'", "servers A b: a name has small letters"),
        ("[gateway.servers.x]\ntools = ['x.*']\n[mads]\na='m:A'", "line 2: [gateway] servers x tools: 'x.*' is no"),
        ("[gateway.servers.x]\nnames = 'long'\n[mads]\na='m:A'", "is one of underscore, dotted, plain"),
        ("[traces]\n[mads]\na='m:A'", "line 1: [traces]: missing required field `otlp`"),
        ("[traces]\notlp = 'localhost:4318'\n[mads]\na='m:A'", "line 2: [traces] otlp: write the address"),
        ("[traces]\notlp = 'http://me:pw@x'\n[mads]\na='m:A'", "OTEL_EXPORTER_OTLP_HEADERS"),
        (
            "[traces]\notlp = 'http://x'\nslow = 'soon'\n[mads]\na='m:A'",
            "line 3: [traces] slow: write a number of seconds",
        ),
        ("[traces]\notlp = 'http://x'\none_in = -1\n[mads]\na='m:A'", "line 3: [traces] one_in: Expected `int` >= 0"),
        (
            "[traces]\notlp = 'http://x'\ncost = 1\n[mads]\na='m:A'",
            "line 3: [traces] cost: unknown key; did you mean 'costly'?",
        ),
        ("", "[mads]: names no MAD"),
        ("[mads", FILE),
    ],
)
def test_a_mistake_is_named_with_what_to_write(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(written(tmp_path, text))
    assert said in str(caught.value)


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(written(tmp_path, "bsu = 1\n[gateway]\nprot = 1\n[mads]\na = { use = 'm', rnu = 'x' }"))
    assert len(str(caught.value).splitlines()) == 4


def test_every_key_of_one_table_is_looked_at_and_the_rest_is_read(tmp_path: Path) -> None:
    text = "[mads]\na = { use = 'm:A', run = 'x', at_once = 0, inbox = 'y' }\nb = { run = 3 }\nc = 'm:C'\n"
    config, mistakes = readable(written(tmp_path, text))
    assert [line.split(": ")[2] for line in mistakes] == [
        *("[mads] a run", "[mads] a at_once", "[mads] a inbox", "[mads] b run", "[mads] b")
    ]
    assert (sorted(config.mads), config.mads["a"].at_once) == (["a", "c", "steward"], 8)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_file_is_worse_than_a_mistake(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    root = tmp_path_factory.mktemp("hostile")
    (root / FILE).write_bytes(data)
    try:
        assert isinstance(read_config(root), Config)
    except ConfigError as error:
        assert str(error)


def test_the_nearest_file_upwards_is_the_systems(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    written(tmp_path, "")
    assert find_root(inner) == tmp_path
    written(inner, "")
    assert find_root(inner) == inner


def test_no_file_at_all_says_how_to_begin() -> None:
    with pytest.raises(ConfigError, match="mads new NAME"):
        find_root(Path("/"))
